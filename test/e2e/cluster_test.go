//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait. Nothing is asserted about how long things take.
const patience = 3 * time.Minute

// kubectl runs kubectl against p and returns what it printed.
func (p place) kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	if p.Context != "" {
		args = append([]string{"--context", p.Context}, args...)
	}
	c := exec.CommandContext(ctx, record.Kubectl, append([]string{"--kubeconfig", p.Kubeconfig}, args...)...)
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &errs
	if err := c.Run(); err != nil {
		return out.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

func (p place) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.kubectl(t.Context(), "", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (p place) apply(t *testing.T, manifest string) {
	t.Helper()
	if _, err := p.kubectl(t.Context(), manifest, "apply", "--server-side", "--force-conflicts", "-f", "-"); err != nil {
		t.Fatal(err)
	}
}

// condition is a resource's condition.
type condition struct {
	Type, Status, Reason, Message string
	ObservedGeneration            int64
}

type object struct {
	Metadata struct {
		Name       string
		UID        string
		Generation int64
	}
	Status struct {
		Conditions []condition
		Phase      string
	}
}

func (o object) condition(kind string) condition {
	for _, c := range o.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return condition{}
}

func (p place) get(t *testing.T, kind, name string) (o object) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.must(t, "-n", namespace, "get", kind, name, "-o", "json")), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// eventually polls until check returns nil, and fails with its last error.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	var err error
	for {
		if err = check(); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s: %v", what, err)
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// programmed waits until the corridor's present generation is served.
func programmed(t *testing.T, corridor string) {
	t.Helper()
	eventually(t, corridor+" is Programmed", func() error {
		o := record.Hub.get(t, "paymentcorridor", corridor)
		for _, kind := range []string{"Programmed", "Ready"} {
			if c := o.condition(kind); c.Status != "True" || c.ObservedGeneration != o.Metadata.Generation {
				return fmt.Errorf("generation %d: %+v", o.Metadata.Generation, c)
			}
		}
		return nil
	})
}
