package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"

	"golang.org/x/mod/sumdb/note"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/merkle"
	"qiantang.dev/rails/internal/ledger/reader"
)

// Source is a store as an audit reads it.
type Source interface {
	Frame(ctx context.Context) (reader.Frame, error)
	ScanJournal(ctx context.Context, after, until uint64, each func(*reader.Raw) error) error
	ScanRecords(ctx context.Context, each func(rec *ledger.Record, digest []byte) error) error
	Nodes(ctx context.Context, level uint, from, to uint64) (map[uint64][]byte, error)
	Checkpoints(ctx context.Context) ([]reader.Checkpoint, error)
	Batches(ctx context.Context, after, until uint64, limit int) ([]reader.BatchRow, error)
	AccountIDs(ctx context.Context, nos []uint64) (map[uint64]string, error)
}

// Options tune Verify.
type Options struct {
	// Workers read in parallel; 0: one for each processor, and one more, as they also wait for the store.
	Workers int
	// Key verifies the checkpoints' signatures; nil: they are compared with the journal, but anybody could have written them.
	Key note.Verifier
	// Progress, where set, is told how many of the entries are done.
	Progress func(done, total uint64)
	// MaxFindings bounds the report; 0: 100.
	MaxFindings int
}

// Finding is something that does not agree.
type Finding struct {
	// What and ID name it: "entry" "17", "account" "customer:acme:USD".
	What, ID string
	Why      string
}

func (f Finding) String() string { return f.What + " " + f.ID + ": " + f.Why }

// Report is what an audit found. The books are proven where Findings is empty.
type Report struct {
	Entries, Accounts, Records uint64
	Checkpoints                int
	// Last is the newest checkpoint that agrees with the log; nil where there is none.
	Last     *merkle.Checkpoint
	Root     []byte
	Findings []Finding
	// More counts the findings beyond Options.MaxFindings.
	More int
}

func (r *Report) find(limit int, f ...Finding) {
	for i := range f {
		if len(r.Findings) >= limit {
			r.More++
			continue
		}
		r.Findings = append(r.Findings, f[i])
	}
}

// Verify proves the journal from its leaves, and every balance, window position, checkpoint and record from what it must agree with. An
// error says that it could not be finished; what does not agree is in the report.
func Verify(ctx context.Context, src Source, opt Options) (*Report, error) {
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0) + 1
	}
	if opt.MaxFindings <= 0 {
		opt.MaxFindings = 100
	}
	frame, err := src.Frame(ctx)
	if err != nil {
		return nil, err
	}
	head := &frame.Head
	rep := &Report{Entries: head.Seq, Accounts: uint64(len(frame.Accounts))}
	find := func(what, id, why string, args ...any) {
		rep.find(opt.MaxFindings, Finding{What: what, ID: id, Why: fmt.Sprintf(why, args...)})
	}
	if frame.Last > int64(head.Seq) {
		find("entry", strconv.FormatInt(frame.Last, 10), "stands behind the head, which is at %d", head.Seq)
	}
	if frame.First < 0 || frame.First == 0 && frame.Last != 0 {
		find("entry", strconv.FormatInt(frame.First, 10), "stands before the first")
	}
	if frame.Batches != head.Batch {
		find("batches", strconv.FormatUint(frame.Batches, 10), "the head counts %d", head.Batch)
	}
	accounts(&frame, rep, find)
	j := newJournal(src, &frame, opt, find)
	if err := j.verify(ctx); err != nil {
		return nil, err
	}
	rep.Root = j.log.Root()
	if !bytes.Equal(j.log.Frontier(), head.Journal) {
		find("head", "journal", "its frontier is not that of the %d entries", head.Seq)
	}
	j.balances(&frame, find)
	j.windows(&frame, find)
	if rep.Checkpoints, rep.Last, err = checkpoints(ctx, src, opt.Key, head.Seq, find); err != nil {
		return nil, err
	}
	err = src.ScanRecords(ctx, func(rec *ledger.Record, digest []byte) error {
		rep.Records++
		if sum := engine.Digest(rec); !bytes.Equal(sum[:], digest) {
			find("record", rec.Kind+"/"+rec.Key, "does not agree with its checksum")
		}
		return nil
	})
	return rep, err
}

// accounts hashes the accounts into their own log.
func accounts(frame *reader.Frame, rep *Report, find func(what, id, why string, args ...any)) {
	log, err := merkle.Open(0, nil)
	if err != nil {
		find("head", "accounts", "%v", err)
		return
	}
	var leaf []byte
	for i := range frame.Accounts {
		a := &frame.Accounts[i]
		if a.No != uint64(i)+1 {
			find("account", a.ID, "has number %d, not %d", a.No, i+1)
		}
		leaf = a.AppendCanonical(leaf[:0], a.No)
		hash := merkle.LeafHash(leaf)
		if merkle.Short(hash) != a.Sum {
			find("account", a.ID, "was changed: it does not agree with its checksum")
		}
		if _, err := log.Append(hash, nil); err != nil {
			find("account", a.ID, "%v", err)
		}
	}
	if uint64(len(frame.Accounts)) != frame.Head.Accounts || !bytes.Equal(log.Frontier(), frame.Head.AccountLog) {
		find("head", "accounts", "its frontier is not that of the %d accounts", len(frame.Accounts))
	}
}

// balances compares the balance rows with the journal's sums, and the floors with the balances.
func (j *journal) balances(frame *reader.Frame, find func(what, id, why string, args ...any)) {
	for i := range frame.Accounts {
		a := &frame.Accounts[i]
		if a.No == 0 || a.No > uint64(len(j.rows)) {
			continue
		}
		want := j.rows[a.No-1]
		if a.Balance.Sums != want {
			find("balance", a.ID, "counts %+v up to entry %d, the journal %+v", a.Balance.Sums, a.Balance.Seq, want)
		}
		if b := engine.Standing(a.Type, j.all[a.No-1]); b.PendingIn < 0 || b.PendingOut < 0 || a.Floor != nil && b.Available < *a.Floor {
			find("balance", a.ID, "is below its floor, or has negative reserves: %+v", b)
		}
	}
}

// windows compares the window positions with the journal's sums.
func (j *journal) windows(frame *reader.Frame, find func(what, id, why string, args ...any)) {
	for i := range frame.Windows {
		w := &frame.Windows[i]
		got := j.positions[w.Window][w.No]
		if got == nil || *got != *w {
			find("window", w.Window, "account number %d: %+v is not what the journal adds up to", w.No, *w)
		}
		delete(j.positions[w.Window], w.No)
	}
	for name, left := range j.positions {
		for no := range left {
			find("window", name, "lacks account number %d", no)
		}
	}
}

// checkpoints compares every checkpoint with the log.
func checkpoints(ctx context.Context, src Source, key note.Verifier, size uint64, find func(what, id, why string, args ...any)) (n int, last *merkle.Checkpoint, err error) {
	all, err := src.Checkpoints(ctx)
	if err != nil {
		return 0, nil, err
	}
	for _, c := range all {
		id := strconv.FormatUint(c.Size, 10)
		cp, err := merkle.ParseCheckpoint(c.Note)
		if key != nil {
			cp, err = merkle.OpenCheckpoint(c.Note, key)
		}
		if err != nil {
			find("checkpoint", id, "%v", err)
			continue
		}
		if cp.Size != c.Size {
			find("checkpoint", id, "is about %d entries", cp.Size)
			continue
		}
		if cp.Size > size {
			continue // of entries booked since the audit began
		}
		root, err := RootAt(ctx, src, cp.Size)
		var broken *BrokenError
		switch {
		case errors.As(err, &broken):
			find("checkpoint", id, "%v", err)
		case err != nil:
			return 0, nil, err
		case !bytes.Equal(root, cp.Root):
			find("checkpoint", id, "its root is not that of the first %d entries", cp.Size)
		default:
			last = &cp
		}
	}
	return len(all), last, nil
}
