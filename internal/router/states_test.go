package router

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"qiantang.dev/rails/pkg/client"
)

var finals = []State{client.Settled, client.Rejected, client.Cancelled, client.Returned}

func TestEveryStateIsReachedAndReachesAFinalOne(t *testing.T) {
	next := map[State][]State{}
	for _, tr := range Transitions {
		next[tr.From] = append(next[tr.From], tr.To)
	}
	reach := func(from State) map[State]bool {
		seen, todo := map[State]bool{from: true}, []State{from}
		for len(todo) > 0 {
			s := todo[0]
			todo = todo[1:]
			for _, to := range next[s] {
				if !seen[to] {
					seen[to] = true
					todo = append(todo, to)
				}
			}
		}
		return seen
	}
	all := reach(received)
	for s := range next {
		if !all[s] {
			t.Errorf("state %q is never reached", s)
		}
		ends := reach(s)
		if !slices.ContainsFunc(finals, func(f State) bool { return ends[f] }) {
			t.Errorf("state %q never ends", s)
		}
	}
}

func TestMoneyIsBookedExactlyOncePerPayment(t *testing.T) {
	// Walk every path (no state twice, save by Reroute and Resend, which book nothing) and follow the reserve.
	var walk func(s State, reserved, paid bool, path []Event)
	walk = func(s State, reserved, paid bool, path []Event) {
		if len(path) > 12 {
			return
		}
		for _, tr := range Transitions {
			if tr.From != s {
				continue
			}
			r, p := reserved, paid
			switch tr.Books {
			case BookReserve:
				if r || p {
					t.Fatalf("%v %s: reserved twice", path, tr.Event)
				}
				r = true
			case BookVoid, BookPaid, BookCarry:
				if !r {
					t.Fatalf("%v %s: ends a reserve that does not stand", path, tr.Event)
				}
				r, p = false, tr.Books == BookPaid
			case BookReturn:
				if !p {
					t.Fatalf("%v %s: returns what was not paid", path, tr.Event)
				}
				p = false
			}
			if r != working(tr.To) {
				t.Fatalf("%v %s: reserve stands is %v, but state %s works is %v", path, tr.Event, r, tr.To, working(tr.To))
			}
			if slices.Contains(path, tr.Event) {
				continue
			}
			walk(tr.To, r, p, append(slices.Clone(path), tr.Event))
		}
	}
	walk(received, false, false, nil)
}

func TestWhatIsNotInTheTableIsRefused(t *testing.T) {
	for _, s := range append(finals[1:], client.Paid) {
		for _, e := range []Event{Accept, Dispatch, Cancel, Reroute, Resend, Confirm, Fail} {
			_, err := Next(s, e)
			var te *TransitionError
			if !errors.As(err, &te) || te.State != s || te.Event != e {
				t.Errorf("Next(%q, %q) = %v, want a TransitionError", s, e, err)
			}
		}
	}
}

func TestOnlyWhatWasNeverSentCanBeCancelledOrPutOff(t *testing.T) {
	for _, tr := range Transitions {
		if tr.Event == Cancel && tr.From != client.Accepted {
			t.Errorf("cancel from %s", tr.From)
		}
		if tr.To == client.Accepted && tr.From != received && tr.From != client.Instructing {
			t.Errorf("%s goes back to accepted from %s", tr.Event, tr.From)
		}
	}
}

// TestDocsShowTheTable keeps docs/payments.md as the table is; QIANTANG_UPDATE=1 rewrites it.
func TestDocsShowTheTable(t *testing.T) {
	const path = "../../docs/payments.md"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for name, want := range map[string]string{
		"diagram": "```mermaid\n" + Diagram() + "```\n",
		"table":   Table(),
	} {
		begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
		head, rest, ok := strings.Cut(doc, begin)
		have, tail, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s: no %q … %q", path, begin, end)
		}
		if have == want {
			continue
		}
		if os.Getenv("QIANTANG_UPDATE") == "" {
			t.Errorf("%s: %s is not the code's; run QIANTANG_UPDATE=1 go test ./internal/router -run TestDocsShowTheTable", path, name)
			continue
		}
		doc = head + begin + want + end + tail
	}
	if doc != string(b) {
		if err := os.WriteFile(path, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
