package crd

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestTheChartHoldsTheSameDefinitionsAndKeepsThem(t *testing.T) {
	files, err := fs.Glob(Bases, "bases/*.yaml")
	if err != nil || len(files) != 8 {
		t.Fatalf("%d definitions, %v; want 8", len(files), err)
	}
	for _, file := range files {
		base, err := fs.ReadFile(Bases, file)
		if err != nil {
			t.Fatal(err)
		}
		chart, err := os.ReadFile(filepath.Join("..", "..", "charts", "qiantang-crds", "templates", filepath.Base(file)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(base, chart) {
			t.Errorf("%s: the chart's copy differs: run controller-gen for both", file)
		}
		if !bytes.Contains(base, []byte("helm.sh/resource-policy: keep")) {
			t.Errorf("%s: uninstalling the chart would delete it", file)
		}
		if bytes.Contains(base, []byte("{{")) {
			t.Errorf("%s: helm would read {{ as a template", file)
		}
	}
}
