package main

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
)

func TestSamplesForOneClusterKeepEverythingThere(t *testing.T) {
	d := &demo{repo: "../.."}
	two, err := d.samples(false)
	if err != nil || !strings.Contains(two, "us-east-kubeconfig") {
		t.Fatalf("%v", err)
	}
	one, err := d.samples(true)
	if err != nil || strings.Contains(one, "Kubeconfig") || !strings.Contains(one, "name: us-east") {
		t.Errorf("%v: %s", err, one)
	}
}

func TestAThousandPaymentsTheSameForTheSameRun(t *testing.T) {
	total, keys := 0, map[string]bool{}
	for _, l := range lanes {
		var a, b, other bytes.Buffer
		for _, w := range []struct {
			out *bytes.Buffer
			run int
		}{{&a, 1}, {&b, 1}, {&other, 2}} {
			if err := l.writeCSV(w.out, w.run); err != nil {
				t.Fatal(err)
			}
		}
		if a.String() != b.String() || a.String() == other.String() {
			t.Errorf("%s: runs differ where they should not, or do not where they should", l.corridor)
		}
		rows, err := csv.NewReader(&a).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows[1:] {
			total++
			keys[r[0]] = true
		}
	}
	if total != 1000 || len(keys) != 1000 {
		t.Errorf("%d payments with %d keys", total, len(keys))
	}
}
