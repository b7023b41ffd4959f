// Package adapters is the register of FX adapters by the name that a provider resource gives them. Adding one is one folder, one line
// here and one run of the conformance suite in fxtest.
package adapters
