// Package crd carries the CustomResourceDefinitions in the binary, so that files are validated offline against the very
// schemas that an API server uses. The YAML is generated from api/v1alpha1 by controller-gen.
package crd

import "embed"

// Bases holds bases/*.yaml, one CustomResourceDefinition a file.
//
//go:embed bases/*.yaml
var Bases embed.FS
