package openfx_test

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestTheContractNamesEveryCodeAndPath(t *testing.T) {
	b, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths      map[string]any `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Enum []string `json:"enum"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	codes := strings.Join(doc.Components.Schemas["Problem"].Properties["code"].Enum, " ")
	for _, code := range []string{"unauthorized", "not-found", "conflict", "invalid", "unsupported-pair", "quote-expired", "unavailable"} {
		if !strings.Contains(codes, code) {
			t.Errorf("code %s is not in the contract", code)
		}
	}
	for _, path := range []string{"/v1/quotes", "/v1/quotes/{quoteId}/lock", "/v1/payouts", "/v1/payouts/{id}", "/v1/conversions/{id}"} {
		if doc.Paths[path] == nil {
			t.Errorf("path %s is not in the contract", path)
		}
	}
}
