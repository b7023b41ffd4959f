package kind

import (
	_ "embed"
	"errors"
	"fmt"
	"net/netip"

	"sigs.k8s.io/yaml"
)

// DefaultConfig is the configuration of a cluster with one node.
//
//go:embed kind.yaml
var DefaultConfig []byte

// cgroupV1Patch lets kubelet run on cgroup v1, which it refuses by itself.
const cgroupV1Patch = `kind: KubeletConfiguration
apiVersion: kubelet.config.k8s.io/v1beta1
failCgroupV1: false
`

// Config completes a kind configuration with what the machine asks for. apiAddress is where a private Docker publishes
// the API; zero leaves that to kind. What the configuration says itself is kept.
func Config(base []byte, apiAddress netip.Addr, cgroupV1 bool) ([]byte, error) {
	doc := map[string]any{}
	if err := yaml.UnmarshalStrict(base, &doc); err != nil {
		return nil, fmt.Errorf("kind configuration: %w", err)
	}
	if doc["kind"] != "Cluster" {
		return nil, fmt.Errorf("kind configuration: kind is %v, expected Cluster", doc["kind"])
	}
	if apiAddress.IsValid() {
		networking, ok := doc["networking"].(map[string]any)
		if doc["networking"] != nil && !ok {
			return nil, errors.New("kind configuration: networking is not a mapping")
		}
		if networking == nil {
			networking = map[string]any{}
		}
		setDefault(networking, "apiServerAddress", apiAddress.String())
		// Docker is to pick the port: kind itself cannot try one on an address of another namespace.
		setDefault(networking, "apiServerPort", -1)
		doc["networking"] = networking
	}
	if cgroupV1 {
		patches, ok := doc["kubeadmConfigPatches"].([]any)
		if doc["kubeadmConfigPatches"] != nil && !ok {
			return nil, errors.New("kind configuration: kubeadmConfigPatches is not a list")
		}
		doc["kubeadmConfigPatches"] = append(patches, cgroupV1Patch)
	}
	return yaml.Marshal(doc)
}

func setDefault(m map[string]any, key string, value any) {
	if _, ok := m[key]; !ok {
		m[key] = value
	}
}

// withServer replaces the server of a kubeconfig's only cluster.
func withServer(kubeconfig, server string) ([]byte, error) {
	doc := map[string]any{}
	if err := yaml.Unmarshal([]byte(kubeconfig), &doc); err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	list, _ := doc["clusters"].([]any)
	if len(list) != 1 {
		return nil, fmt.Errorf("kubeconfig has %d clusters, expected 1", len(list))
	}
	entry, _ := list[0].(map[string]any)
	cluster, ok := entry["cluster"].(map[string]any)
	if !ok {
		return nil, errors.New("kubeconfig: clusters[0] has no cluster")
	}
	cluster["server"] = server
	return yaml.Marshal(doc)
}
