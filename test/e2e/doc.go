// Package e2e walks the demo's path on real clusters and then breaks things: `make e2e`, which builds with the tag e2e. It leaves
// nothing running, unless QIANTANG_E2E_KEEP is set.
package e2e
