package main

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestPaymentsEndOnceWhileTheRouterIsKilled(t *testing.T) {
	program := filepath.Join(t.TempDir(), "qiantang")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, "../../cmd/qiantang")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	for name, between := range map[string]string{"directly": "", "by way of another currency": "HKD"} {
		t.Run(name, func(t *testing.T) {
			f, err := run(t.Context(), config{
				program: program, payments: 1000, senders: 16, killEvery: time.Second, outage: 300 * time.Millisecond, patience: 8 * time.Minute,
				dir: t.TempDir(), between: between, logf: t.Logf,
			})
			if f != nil {
				t.Log(f)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}
