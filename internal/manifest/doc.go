// Package manifest reads folders of YAML as an API server would take them: the same schemas, the same CEL rules, unknown fields
// refused; and makes of them the snapshot that compile takes. Nothing in it needs a cluster.
//
// What it does not check: what only a cluster knows, such as Secrets that are in no file, and rules about changes (a rule that
// compares with the resource before). Documents of other API groups are left out, and named.
package manifest
