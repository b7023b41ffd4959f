package main

import (
	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/plan"
)

// addMaterials takes single keys out of Secrets, as the operator does. Of several regions' the first counts, as it does in plan.Merge.
func addMaterials(credentials fx.Credentials, materials []plan.Material) {
	for _, m := range materials {
		value, there := credentials[m.Secret.Name][m.Secret.Key]
		if _, taken := credentials[m.In][m.As]; taken || !there {
			continue // What is missing is said by who needs it.
		}
		if credentials[m.In] == nil {
			credentials[m.In] = map[string][]byte{}
		}
		credentials[m.In][m.As] = value
	}
}
