package ledgertest

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

// WriterEnv makes a test binary a writer to be killed: its value is what the writer opens.
const WriterEnv = "QIANTANG_LEDGER_WRITER"

// linked is how many transfers each commit of a writer has.
const linked = 3

// Job is a commit that is recognised again: its transfers' reference, its record and its IDs follow from key.
func Job(key string) ledger.Commit {
	id := func(n int) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%s/%d", key, n)) }
	hold := ledger.Transfer{ID: id(0), Kind: ledger.Reserve, Debit: Funding, Credit: Clearing, Amount: USD(10), Reference: key}
	post := ledger.Transfer{ID: id(1), Kind: ledger.Post, Ref: hold.ID, Amount: USD(7), Reference: key, Window: "w"}
	fx := ledger.Transfer{ID: id(2), Kind: ledger.Immediate, Debit: Spread, Credit: AliceCNY, Amount: money.FromMinor(3, "CNY"), Reference: key}
	return ledger.Commit{Transfers: []ledger.Transfer{hold, post, fx}, Puts: []ledger.Put{{Kind: "job", Key: key, State: "done", Body: []byte(`{}`)}}}
}

// Writer books jobs with 8 callers until it is killed, and prints the key of each that was acknowledged.
func Writer(l ledger.Ledger) error {
	run := uuid.NewString()[:8]
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for w := range 8 {
		wg.Go(func() {
			for i := 0; failed.Load() == nil; i++ {
				key := fmt.Sprintf("%s-%d-%d", run, w, i)
				if _, err := l.Apply(context.Background(), Job(key)); err != nil {
					failed.Store(&err)
					return
				}
				if _, err := os.Stdout.WriteString(key + "\n"); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	return *failed.Load()
}

// RunKills kills a writer n times with SIGKILL at random moments under load, and checks the books after each.
func RunKills(t *testing.T, n int, location string, open Opener) {
	if testing.Short() {
		n = min(n, 10)
	}
	b := newBooks(t, open)
	b.apply(ledger.Commit{Accounts: Fixtures()})
	if err := b.l.Close(); err != nil {
		t.Fatal(err)
	}
	all := 0
	for i := range n {
		acked := killed(t, location)
		all += len(acked)
		l := open(t, b.options())
		// A server may still be at the killed writer's last commit. Behind this one, that commit is either there or will never be.
		fence := ledger.Commit{Puts: []ledger.Put{{Kind: "fence", Key: uuid.NewString(), State: "set"}}}
		if _, err := l.Apply(context.Background(), fence); err != nil {
			t.Fatal(err)
		}
		for _, key := range acked {
			if entries, err := l.EntriesByReference(context.Background(), key); err != nil || len(entries) != linked {
				t.Fatalf("kill %d: %s was acknowledged and has %d entries, %v", i, key, len(entries), err)
			}
		}
		Whole(t, l, i%20 == 0 || i == n-1)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d commits acknowledged over %d kills", all, n)
}

// killed runs a writer, kills it shortly after its first acknowledgement, and returns the keys that it acknowledged.
func killed(t *testing.T, location string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), WriterEnv+"="+location)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var keys []string
	var kill *time.Timer
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		keys = append(keys, lines.Text())
		if kill == nil {
			kill = time.AfterFunc(time.Duration(rand.Int64N(int64(40*time.Millisecond))), func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait()
	if kill == nil {
		t.Fatalf("the writer acknowledged nothing: %s", problems.String())
	}
	kill.Stop()
	return keys
}

// Whole checks that every job in the books is there as a whole and nothing besides; with audit, that the books are proven.
func Whole(t *testing.T, l ledger.Ledger, audit bool) {
	t.Helper()
	counts, err := l.CountRecords(context.Background(), "job", "")
	if err != nil {
		t.Fatal(err)
	}
	clearing, err := l.Balance(context.Background(), Clearing)
	if err != nil {
		t.Fatal(err)
	}
	cny, err := l.Balance(context.Background(), AliceCNY)
	if err != nil {
		t.Fatal(err)
	}
	n := counts["done"]
	if clearing.Posted != 7*n || clearing.PendingIn != 0 || cny.Posted != 3*n || clearing.Seq < uint64(linked*n) {
		t.Fatalf("%d jobs, but clearing %+v, customer %+v", n, clearing, cny)
	}
	if audit {
		if entries := Verify(t, l); entries != uint64(linked*n) {
			t.Fatalf("%d jobs and %d entries", n, entries)
		}
	}
}

// Work has callers book jobs and send what was unavailable again until it succeeds, while disturb runs; it returns how many were booked.
// Callers stop when disturb returns.
func Work(t *testing.T, l ledger.Ledger, callers int, disturb func()) int {
	t.Helper()
	run := uuid.NewString()[:8]
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var done atomic.Int64
	var wg sync.WaitGroup
	for w := range callers {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				job := Job(fmt.Sprintf("%s-%d-%d", run, w, i))
				for {
					_, err := l.Apply(context.Background(), job)
					if err == nil {
						break
					}
					var away *ledger.UnavailableError
					if !asError(err, &away) {
						t.Errorf("job: %v", err)
						return
					}
				}
				done.Add(1)
			}
		})
	}
	disturb()
	stop()
	wg.Wait()
	return int(done.Load())
}

// Reach polls until at least n jobs are booked.
func Reach(t *testing.T, l ledger.Ledger, n int64) {
	t.Helper()
	b := &books{t: t, l: l}
	b.eventually(fmt.Sprintf("%d jobs", n), func() bool {
		counts, err := l.CountRecords(context.Background(), "job", "")
		return err == nil && counts["done"] >= n
	})
}

// Padding is a commit that takes much room and leaves the sums of Whole alone.
func Padding(i int) ledger.Commit {
	body := make([]byte, 0, 60000)
	body = append(body, '"')
	for len(body) < 50000 {
		body = append(body, uuid.NewString()...) // which does not compress to nothing
	}
	return ledger.Commit{Puts: []ledger.Put{{Kind: "padding", Key: fmt.Sprint(i), State: "kept", Body: append(body, '"')}}}
}
