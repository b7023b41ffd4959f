package settle

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// on is a settler whose volume is its own, as each pod's is.
func (b *bench) on(dir string) *Settler {
	b.t.Helper()
	return b.settler(b.ledger, files{dir: dir})
}

func TestAnotherSettlerGoesOnWithoutTheFilesOfOneThatIsGone(t *testing.T) {
	for _, model := range []string{ModelGross, ModelBilateral, ModelMultilateral} {
		t.Run(model, func(t *testing.T) {
			b := newBench(t)
			b.region.Schedules[0].Model = model
			up := false
			// It refuses a message whose content is not what it was.
			f := b.clearing(func(string, int) (int, string) {
				if !up {
					return http.StatusServiceUnavailable, "" // the message was taken, and the answer lost
				}
				return http.StatusOK, "ACSC"
			})
			first, second := filepath.Join(t.TempDir(), "settlement"), filepath.Join(t.TempDir(), "settlement")
			b.owe("qiantang-pay", "pingpong", "10.00", "USD")
			b.owe("qiantang-pay", "lianlian", "2.50", "USD")
			b.owe("lianlian", "pingpong", "1.00", "CNY")
			b.set("2026-11-23T09:00:00Z")
			const name = "shanghai-daily-us-east-20261123t0900z-1"
			one := b.on(first)
			b.step(one)
			messages := b.run(one, name).Instructions
			if r := b.run(one, name); r.Phase != "Delivering" || len(messages) == 0 || len(f.seen) != len(messages) {
				t.Fatalf("report %+v, %d messages seen", r, len(f.seen))
			}
			written := map[string][]byte{}
			for _, i := range messages {
				content, err := one.File(context.Background(), name, i.MessageID)
				if err != nil {
					t.Fatal(err)
				}
				written[i.MessageID] = content
			}
			if err := os.RemoveAll(first); err != nil {
				t.Fatal(err)
			}
			// The plan has changed meanwhile; what was netted is as it was.
			b.region.Participants[1].LegalName = "PingPong Payments"
			b.switchPlan()
			up = true
			other := b.on(second)
			b.later(maxBackoff)
			b.step(other)
			if r := b.run(other, name); r.Phase != "Settled" || len(f.seen) != len(messages) {
				t.Fatalf("report %+v, %d messages seen", r, len(f.seen))
			}
			for id, want := range written {
				for who, s := range map[string]*Settler{"the one that delivered": other, "a third": b.on(filepath.Join(t.TempDir(), "settlement"))} {
					got, err := s.File(context.Background(), name, id)
					if err != nil || !bytes.Equal(got, want) {
						t.Errorf("%s has another file of %s (%v)", who, id, err)
					}
				}
				headers, err := filepath.Glob(filepath.Join(second, "*", "*", id+".head.001.001.02.xml"))
				if err != nil || len(headers) != 1 {
					t.Errorf("%d headers of %s (%v)", len(headers), id, err)
				}
			}
		})
	}
}

func TestAFileThatCannotBeReadIsNotWrittenOver(t *testing.T) {
	b := newBench(t)
	s := b.on(b.dir)
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	b.set("2026-11-23T09:00:00Z")
	b.step(s)
	const name = "shanghai-daily-us-east-20261123t0900z-1"
	i := b.run(s, name).Instructions[0]
	if err := os.Remove(i.File); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(i.File, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := s.File(context.Background(), name, i.MessageID); err == nil || !strings.Contains(err.Error(), i.MessageID) {
		t.Errorf("got %v", err)
	}
}
