package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/plan"
)

func TestWhatWasKeptCountsForADayAndOnlyWhole(t *testing.T) {
	dir := t.TempDir()
	k := &kept{file: filepath.Join(dir, "plan.json"), credentials: filepath.Join(dir, "credentials")}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	if r, _, err := k.load(now); r != nil || err != nil {
		t.Fatalf("before the first: %v, %v", r, err)
	}
	r := &plan.Region{Institution: "demo", Name: "home"}
	if err := plan.Seal(r); err != nil {
		t.Fatal(err)
	}
	if err := k.save(r, now); err != nil {
		t.Fatal(err)
	}
	// As a kubelet mounts a Secret.
	for name, content := range map[string]string{"credentials/..data/x": "", "credentials/pingpong.token": "s3cret", "credentials/_api.tls.crt": "c"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, credentials, err := k.load(now.Add(23 * time.Hour))
	if err != nil || got.Revision != r.Revision || string(credentials["pingpong"]["token"]) != "s3cret" || string(credentials[plan.APIMaterial]["tls.crt"]) != "c" || len(credentials) != 2 {
		t.Errorf("%+v, %v, %v", got, credentials, err)
	}
	if raw, err := os.ReadFile(k.file); err != nil || strings.Contains(string(raw), "s3cret") {
		t.Errorf("a credential is in the file (%v)", err)
	}
	// Confirmed later, it counts longer; the content is not written again.
	before, err := os.ReadFile(k.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.save(r, now.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.load(now.Add(25 * time.Hour)); err != nil {
		t.Error(err)
	}
	if _, _, err := k.load(now.Add(27 * time.Hour)); err == nil || !strings.Contains(err.Error(), "25h0m0s ago") {
		t.Errorf("what is too old: %v", err)
	}
	if err := os.WriteFile(k.file, append(before, ' ', '{'), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.load(time.Now()); err == nil || !strings.Contains(err.Error(), "plan.json") {
		t.Errorf("what was changed: %v", err)
	}
	if err := (&kept{file: filepath.Join(dir, "none", "plan.json")}).save(r, now); err == nil {
		t.Error("kept in a folder that is not there")
	}
	if err := (&kept{}).save(r, now); err != nil {
		t.Error(err)
	}
}
