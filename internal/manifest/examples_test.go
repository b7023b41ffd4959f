package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheExamplesAreValidBesideTheSamples(t *testing.T) {
	files := map[string]string{}
	for _, folder := range []string{"samples", "examples"} {
		paths, err := filepath.Glob("../../config/" + folder + "/*.yaml")
		if err != nil || len(paths) == 0 {
			t.Fatal(folder, paths, err)
		}
		for _, path := range paths {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			// Only an API server makes names.
			files[filepath.Base(path)] = strings.ReplaceAll(string(b), "generateName: by-hand-", "name: by-hand-1")
		}
	}
	b, found, err := Load(t.Context(), folder(t, files), now)
	if err != nil {
		t.Fatal(err)
	}
	if _, found = b.Check(found); len(found) > 0 {
		t.Error(found)
	}
	if len(b.Runs) != 1 || len(b.Snapshot.Regions) != 5 {
		t.Errorf("%d runs, %d regions", len(b.Runs), len(b.Snapshot.Regions))
	}
}
