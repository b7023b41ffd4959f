package engine

import (
	"fmt"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger/merkle"
)

// batch makes the plan into what the store writes: leaves hashed, the head moved, and the balance rows that have waited longest.
func (p *plan) batch(tailTarget int) (*Batch, error) {
	b := &Batch{ID: uuid.New(), Prev: p.head, Next: p.head, Accounts: p.accts, Entries: p.entries, Records: p.records}
	if p.again {
		b.Records = collapse(p.records)
	}
	n := &b.Next
	n.Batch++
	n.BatchID = b.ID
	n.Booked = p.booked.UnixMicro()
	n.Seq = p.seq()
	n.Accounts += uint64(len(p.accts))
	journal, err := merkle.Open(p.head.Seq, p.head.Journal)
	if err != nil {
		return nil, &RefusedError{fmt.Errorf("journal's frontier: %w", err)}
	}
	accounts, err := merkle.Open(p.head.Accounts, p.head.AccountLog)
	if err != nil {
		return nil, &RefusedError{fmt.Errorf("accounts' frontier: %w", err)}
	}
	for i := range p.hashes {
		if b.Nodes, err = journal.Append(p.hashes[i][:], b.Nodes); err != nil {
			return nil, &RefusedError{err}
		}
	}
	var leaf []byte
	for i := range b.Accounts {
		leaf = b.Accounts[i].AppendCanonical(leaf[:0], b.Accounts[i].No)
		hash := merkle.LeafHash(leaf)
		b.Accounts[i].Sum = merkle.Short(hash)
		if _, err = accounts.Append(hash, nil); err != nil {
			return nil, &RefusedError{err}
		}
	}
	n.Journal, n.AccountLog = journal.Frontier(), accounts.Frontier()
	p.writeBalances(b, tailTarget)
	p.writeWindows(b, tailTarget)
	return b, nil
}

// writeBalances picks the accounts that have waited longest: so many that all are written once within tailTarget entries.
func (p *plan) writeBalances(b *Batch, tailTarget int) {
	n := &b.Next
	count := (len(p.dirty)*len(b.Entries) + tailTarget - 1) / tailTarget
	if behind := int(n.Seq - n.Flushed); behind > 2*tailTarget {
		count *= 4
	}
	count = min(count, len(p.dirty))
	flushed := n.Seq
	if count < len(p.dirty) {
		flushed = p.dirty[count].dirtySince - 1
	}
	for _, a := range p.dirty[:count] {
		b.Balances = append(b.Balances, BalanceRow{No: a.no, Sums: a.sums, Seq: n.Seq})
	}
	n.Flushed = max(n.Flushed, flushed)
}

// writeWindows writes what the window positions lack, all at once and seldom: there are few accounts in a window.
func (p *plan) writeWindows(b *Batch, tailTarget int) {
	n := &b.Next
	if n.Seq-n.Windows < uint64(tailTarget)/2 {
		return
	}
	rows := make(map[windowKey]int, len(p.windows))
	for k, w := range p.windows {
		rows[k] = len(b.Windows)
		b.Windows = append(b.Windows, *w)
	}
	add := newState(0)
	for i := range b.Entries {
		add.addWindow(&b.Entries[i], 1)
	}
	for k, w := range add.windows {
		if i, ok := rows[k]; ok {
			b.Windows[i].Debits += w.Debits
			b.Windows[i].Credits += w.Credits
			b.Windows[i].Count += w.Count
			continue
		}
		b.Windows = append(b.Windows, *w)
	}
	n.Windows = n.Seq
}
