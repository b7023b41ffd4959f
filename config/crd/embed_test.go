package crd

import (
	"io/fs"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

// The API server's own check: structural schemas, CEL that compiles, and its cost within the budget.
func TestAnAPIServerWouldTakeEveryDefinition(t *testing.T) {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	decoder := serializer.NewCodecFactory(scheme).UniversalDecoder(apiextensions.SchemeGroupVersion)
	files, err := fs.Glob(Bases, "bases/*.yaml")
	if err != nil || len(files) != 8 {
		t.Fatalf("%d definitions, %v; want 8", len(files), err)
	}
	for _, file := range files {
		b, err := fs.ReadFile(Bases, file)
		if err != nil {
			t.Fatal(err)
		}
		obj, _, err := decoder.Decode(b, nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		crd := obj.(*apiextensions.CustomResourceDefinition)
		// What an API server itself writes before it validates.
		crd.Status.StoredVersions = []string{"v1alpha1"}
		for _, e := range validation.ValidateCustomResourceDefinition(t.Context(), crd) {
			t.Errorf("%s: %v", file, e)
		}
	}
}
