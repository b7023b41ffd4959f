package delivery

import (
	"fmt"
	"strings"
)

// FlattenCredentials turns credentials by name into the data of one Secret, whose keys are "<name>.<key>". A dot in a name is written
// as an underscore, which no Kubernetes name has, so that name and key can be told apart again.
func FlattenCredentials(byName map[string]map[string][]byte) (map[string][]byte, error) {
	out := map[string][]byte{}
	for name, keys := range byName {
		if name == "" || strings.Contains(name, "_") {
			return nil, fmt.Errorf("credentials %q: the name must not be empty or have an underscore in it", name)
		}
		for key, value := range keys {
			out[strings.ReplaceAll(name, ".", "_")+"."+key] = value
		}
	}
	return out, nil
}

// SplitCredentials is FlattenCredentials' inverse. Keys without a dot are no credentials, and are left out.
func SplitCredentials(data map[string][]byte) map[string]map[string][]byte {
	out := map[string]map[string][]byte{}
	for k, value := range data {
		name, key, ok := strings.Cut(k, ".")
		if !ok {
			continue
		}
		name = strings.ReplaceAll(name, "_", ".")
		if out[name] == nil {
			out[name] = map[string][]byte{}
		}
		out[name][key] = value
	}
	return out
}
