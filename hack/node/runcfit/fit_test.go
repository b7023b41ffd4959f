package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const withoutResource = 0x1fffeffffff

func TestFitTakesOutWhatCannotBeGiven(t *testing.T) {
	for name, tc := range map[string]struct {
		in, want string
		bounding uint64
	}{
		"a container":      {`{"ociVersion":"1","process":{"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_RESOURCE"],"ambient":[]}},"big":9007199254740993}`, `{"big":9007199254740993,"ociVersion":"1","process":{"capabilities":{"ambient":[],"bounding":["CAP_CHOWN"]}}}`, withoutResource},
		"a process":        {`{"args":["x"],"capabilities":{"effective":["CAP_SYS_RESOURCE"]}}`, `{"args":["x"],"capabilities":{"effective":[]}}`, withoutResource},
		"nothing to do":    {`{"process" : {"capabilities":{"bounding":["CAP_CHOWN"]}}}`, `{"process" : {"capabilities":{"bounding":["CAP_CHOWN"]}}}`, withoutResource},
		"all is given":     {`{ "capabilities":{"effective":["CAP_SYS_RESOURCE"]}}`, `{ "capabilities":{"effective":["CAP_SYS_RESOURCE"]}}`, 1<<41 - 1},
		"no capabilities":  {`{ "process":{}}`, `{ "process":{}}`, 0},
		"a name not known": {`{ "capabilities":{"effective":["CAP_NEW"]}}`, `{ "capabilities":{"effective":["CAP_NEW"]}}`, 0},
		"an odd set":       {`{ "capabilities":{"effective":"x"}}`, `{ "capabilities":{"effective":"x"}}`, 0},
		"only the caps":    {`{"process":{"env":["CAP_SYS_RESOURCE"],"capabilities":{"inheritable":["CAP_SYS_RESOURCE"]}}}`, `{"process":{"capabilities":{"inheritable":[]},"env":["CAP_SYS_RESOURCE"]}}`, withoutResource},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := fit([]byte(tc.in), tc.bounding)
			if err != nil || string(got) != tc.want {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	for _, bad := range []string{"", "[]", "{"} {
		if _, err := fit([]byte(bad), 0); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestFitFileRewritesInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(`{"process":{"capabilities":{"bounding":["CAP_SYS_RESOURCE"]}}}`), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := fitFile(path, withoutResource); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(b), "RESOURCE") || !json.Valid(b) {
		t.Errorf("got %s, %v", b, err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fitFile(path, 0); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if err := fitFile(path+"x", 0); err == nil {
		t.Error("a missing file is no error")
	}
}

func TestRequestFile(t *testing.T) {
	for args, want := range map[string]string{
		"--root /r create --bundle /b --pid-file /p id": "/b/config.json",
		"create --bundle=/b id":                         "/b/config.json",
		"run -b /b id":                                  "/b/config.json",
		"exec --process /p.json --detach id":            "/p.json",
		"exec -p /p.json id":                            "/p.json",
		"delete --force id":                             "",
		"":                                              "",
	} {
		if got := requestFile(strings.Fields(args)); got != want {
			t.Errorf("%q: got %q, want %q", args, got, want)
		}
	}
}

func TestBoundingSet(t *testing.T) {
	if got, err := boundingSet("Name:\tx\nCapBnd:\t000001fffeffffff\n"); err != nil || got != withoutResource {
		t.Errorf("got %x, %v", got, err)
	}
	if _, err := boundingSet("Name:\tx\n"); err == nil {
		t.Error("no error")
	}
	want := map[string]int{"CAP_CHOWN": 0, "CAP_SYS_RESOURCE": 24, "CAP_CHECKPOINT_RESTORE": 40}
	got := map[string]int{}
	for i, c := range capabilities {
		if _, ok := want[c]; ok {
			got[c] = i
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("numbers %v", got)
	}
}
