// Package distil turns the official ISO 20022 schemas into the grammar that package schema reads. It is used by the generator and
// by the test that the grammar is up to date; no program of ours that runs in production imports it.
package distil
