package audit

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/merkle"
	"qiantang.dev/rails/internal/ledger/reader"
)

// chunk is how many entries a worker reads at once: whole blocks.
const (
	chunkLevel = 16
	chunk      = 1 << chunkLevel
)

// journal verifies the entries and adds them up.
type journal struct {
	src       Source
	opt       Options
	find      func(what, id, why string, args ...any)
	head      engine.Head
	ids       [][]byte // account IDs by number-1
	currency  [][]byte
	rowSeq    []uint64 // up to which entry the balance row counts
	rows, all []engine.Sums
	positions map[string]map[uint64]*engine.WindowRow
	log       *merkle.Log
	batches   batches
	booked    int64 // the latest booking time so far
}

func newJournal(src Source, frame *reader.Frame, opt Options, find func(what, id, why string, args ...any)) *journal {
	j := &journal{src: src, opt: opt, find: find, head: frame.Head, positions: map[string]map[uint64]*engine.WindowRow{}}
	j.batches = batches{src: src, until: frame.Head.Batch, size: frame.Head.Seq, find: find, before: gone}
	for i := range frame.Accounts {
		a := &frame.Accounts[i]
		j.ids, j.currency = append(j.ids, []byte(a.ID)), append(j.currency, []byte(a.Currency))
		j.rowSeq = append(j.rowSeq, a.Balance.Seq)
	}
	j.rows, j.all = make([]engine.Sums, len(j.ids)), make([]engine.Sums, len(j.ids))
	return j
}

// part is what one worker found in one chunk.
type part struct {
	from      uint64 // the entry before the first
	blocks    []merkle.Hash
	rest      []merkle.Hash // leaf hashes behind the last whole block
	nodes     map[uint]map[uint64][]byte
	findings  []Finding
	changed   map[uint64]bool // blocks with an entry that was named
	booked    []int64         // by entry; gone where it is missing
	last      int64           // the latest of them
	positions map[string]map[uint64]*engine.WindowRow
	err       error
}

func (j *journal) verify(ctx context.Context) error {
	var err error
	if j.log, err = merkle.Open(0, nil); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	chunks := (j.head.Seq + chunk - 1) / chunk
	// Each worker owns every n-th chunk, in order, so that merging in order never waits for memory.
	workers := uint64(max(1, min(j.opt.Workers, int(min(chunks, 64)))))
	done := make([]chan *part, workers)
	adders := make([]*adder, workers)
	var wg sync.WaitGroup
	for w := range workers {
		done[w] = make(chan *part, 1)
		adders[w] = &adder{journal: j, rows: make([]engine.Sums, len(j.ids)), all: make([]engine.Sums, len(j.ids))}
		wg.Go(func() {
			for c := w; c < chunks; c += workers {
				p := adders[w].chunk(ctx, c*chunk, min((c+1)*chunk, j.head.Seq))
				select {
				case done[w] <- p:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	for c := uint64(0); c < chunks && err == nil; c++ {
		select {
		case p := <-done[c%workers]:
			err = j.merge(ctx, p)
		case <-ctx.Done():
			err = ctx.Err()
		}
		if j.opt.Progress != nil {
			j.opt.Progress(min((c+1)*chunk, j.head.Seq), j.head.Seq)
		}
	}
	if err == nil {
		err = j.batches.along(ctx, j.head.Seq, nil, true)
	}
	cancel()
	wg.Wait()
	for _, a := range adders {
		for i := range j.rows {
			j.rows[i] = plus(j.rows[i], a.rows[i])
			j.all[i] = plus(plus(j.all[i], a.rows[i]), a.all[i])
		}
	}
	return err
}

func plus(a, b engine.Sums) engine.Sums {
	return engine.Sums{Debits: a.Debits + b.Debits, Credits: a.Credits + b.Credits,
		PendingDebits: a.PendingDebits + b.PendingDebits, PendingCredits: a.PendingCredits + b.PendingCredits}
}

// merge takes a chunk into the log and compares the nodes that were kept with those that it makes.
func (j *journal) merge(ctx context.Context, p *part) error {
	if p.err != nil {
		return p.err
	}
	for _, f := range p.findings {
		j.find(f.What, f.ID, "%s", f.Why)
	}
	if first := p.booked[0]; first != gone && first < j.booked {
		j.find("entry", strconv.FormatUint(p.from+1, 10), "was booked before the entry before it")
	}
	j.booked = max(j.booked, p.last)
	if err := j.batches.along(ctx, p.from, p.booked, false); err != nil {
		return err
	}
	wrong := len(p.changed) > 0
	var nodes []merkle.Node
	var err error
	for i, hash := range p.blocks {
		if nodes, err = j.log.AppendBlock(hash[:], nodes[:0]); err != nil {
			return err
		}
		for _, n := range nodes {
			kept, ok := p.nodes[n.Level][n.Index]
			if n.Level > chunkLevel {
				more, err := j.src.Nodes(ctx, n.Level, n.Index, n.Index+1)
				if err != nil {
					return err
				}
				kept, ok = more[n.Index]
			}
			if ok && bytes.Equal(kept, n.Hash) {
				continue
			}
			first := n.Index<<n.Level + 1
			switch {
			case n.Level == merkle.NodeLevel && !p.changed[uint64(i)]:
				wrong = true
				j.find("entries", fmt.Sprintf("%d-%d", first, first+merkle.Block-1), "one of them was changed together with its checksum, or their kept hash was")
			case !wrong:
				j.find("node", fmt.Sprintf("%d/%d", n.Level, n.Index), "is not the hash of entries %d-%d", first, first+1<<n.Level-1)
			}
		}
	}
	for _, hash := range p.rest {
		if _, err := j.log.Append(hash[:], nil); err != nil {
			return err
		}
	}
	for w, accounts := range p.positions {
		for no, add := range accounts {
			sum := position(j.positions, []byte(w), no)
			sum.Debits, sum.Credits, sum.Count = sum.Debits+add.Debits, sum.Credits+add.Credits, sum.Count+add.Count
		}
	}
	return nil
}

func position(m map[string]map[uint64]*engine.WindowRow, window []byte, no uint64) *engine.WindowRow {
	accounts := m[string(window)]
	if accounts == nil {
		accounts = map[uint64]*engine.WindowRow{}
		m[string(window)] = accounts
	}
	row := accounts[no]
	if row == nil {
		row = &engine.WindowRow{Window: string(window), No: no}
		accounts[no] = row
	}
	return row
}

// adder is one worker: it reads chunks and adds up.
type adder struct {
	*journal
	rows, all []engine.Sums // up to the balance row, and beyond
	leaf      []byte
}

var missing merkle.Hash

func (a *adder) chunk(ctx context.Context, from, to uint64) *part {
	p := &part{from: from, nodes: map[uint]map[uint64][]byte{}, changed: map[uint64]bool{}, positions: map[string]map[uint64]*engine.WindowRow{}}
	for level := uint(merkle.NodeLevel); level <= chunkLevel; level++ {
		if p.nodes[level], p.err = a.src.Nodes(ctx, level, from>>level, (from+chunk)>>level); p.err != nil {
			return p
		}
	}
	p.booked = make([]int64, 0, to-from)
	next := from + 1
	add := func(hash merkle.Hash) {
		if p.rest = append(p.rest, hash); len(p.rest) == merkle.Block {
			p.blocks = append(p.blocks, merkle.BlockHash(p.rest))
			p.rest = p.rest[:0]
		}
	}
	lost := func(until uint64) {
		for ; next < until; next++ {
			p.name(next, "is missing")
			p.booked = append(p.booked, gone)
			add(missing)
		}
	}
	p.err = a.src.ScanJournal(ctx, from, to, func(r *reader.Raw) error {
		lost(r.Seq)
		p.booked = append(p.booked, r.Booked)
		add(a.entry(p, r))
		next = r.Seq + 1
		return nil
	})
	if p.err == nil {
		lost(to + 1)
	}
	return p
}

func (p *part) name(seq uint64, why string) {
	p.findings = append(p.findings, Finding{What: "entry", ID: strconv.FormatUint(seq, 10), Why: why})
	p.changed[(seq-1-p.from)/merkle.Block] = true
}

// entry checks one row, adds it up and returns its leaf's hash.
func (a *adder) entry(p *part, r *reader.Raw) merkle.Hash {
	n := uint64(len(a.ids))
	if r.DebitNo == 0 || r.CreditNo == 0 || r.DebitNo > n || r.CreditNo > n {
		p.name(r.Seq, fmt.Sprintf("was changed: it names account number %d or %d, which does not exist", r.DebitNo, r.CreditNo))
		return missing
	}
	d, c := r.DebitNo-1, r.CreditNo-1
	r.Debit, r.Credit = a.ids[d], a.ids[c]
	a.leaf = r.Append(merkle.Leaf(a.leaf))
	hash := merkle.Sum(a.leaf)
	switch {
	case merkle.Short(hash[:]) != r.Sum:
		p.name(r.Seq, "was changed: it does not agree with its checksum")
	case r.Booked < p.last:
		p.name(r.Seq, "was booked before the entry before it")
	case !bytes.Equal(r.Currency, a.currency[d]) || !bytes.Equal(r.Currency, a.currency[c]):
		p.name(r.Seq, fmt.Sprintf("is in %s, its accounts in %s and %s", r.Currency, a.currency[d], a.currency[c]))
	}
	p.last = max(p.last, r.Booked)
	kind := ledger.KindOf(r.Kind)
	debit, credit := &a.all[d], &a.all[c]
	if r.Seq <= a.rowSeq[d] {
		debit = &a.rows[d]
	}
	if r.Seq <= a.rowSeq[c] {
		credit = &a.rows[c]
	}
	engine.ApplySums(kind, r.Amount, r.Released, debit, credit)
	if len(r.Window) > 0 && r.Seq <= a.head.Windows && engine.Counts(kind) {
		from, to := position(p.positions, r.Window, r.DebitNo), position(p.positions, r.Window, r.CreditNo)
		from.Debits, from.Count = from.Debits+r.Amount, from.Count+1
		to.Credits, to.Count = to.Credits+r.Amount, to.Count+1
	}
	return hash
}
