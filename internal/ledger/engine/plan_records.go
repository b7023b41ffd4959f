package engine

import (
	"fmt"
	"slices"

	"qiantang.dev/rails/internal/ledger"
)

func (p *plan) require(r *ledger.Require, puts []ledger.Put) error {
	rec := p.state.records[RecordName{r.Kind, r.Key}]
	if rec.version == 0 {
		for i := range puts {
			if puts[i].Kind == r.Kind && puts[i].Key == r.Key && puts[i].Expect == 0 {
				rec.state = puts[i].State
			}
		}
	}
	if !slices.Contains(r.States, rec.state) {
		return &ledger.RequirementError{Kind: r.Kind, Key: r.Key, State: rec.state}
	}
	return nil
}

// put plans a put. again: the commit's transfers are booked, so a record that has moved on since is no conflict.
func (p *plan) put(put *ledger.Put, again bool) error {
	name := RecordName{put.Kind, put.Key}
	old := p.state.records[name]
	sum := putDigest(put)
	if old.version != put.Expect {
		if old.version == put.Expect+1 && old.digest == sum || again && old.version > put.Expect+1 {
			return nil
		}
		return &ledger.ConflictError{What: "record", ID: put.Kind + "/" + put.Key,
			Why: fmt.Sprintf("is at version %d, not %d", old.version, put.Expect)}
	}
	rec := record{version: put.Expect + 1, state: put.State, created: old.created, digest: sum, batch: p.head.Batch + 1}
	p.again = p.again || old.batch == rec.batch
	if put.Expect == 0 {
		rec.created = ledger.Micros(p.booked)
	}
	p.putRecord(name, rec)
	p.plannedRecord(put, rec)
	return nil
}

func (p *plan) plannedRecord(put *ledger.Put, rec record) {
	p.records = append(p.records, RecordRow{Base: put.Expect, Digest: rec.digest, Record: ledger.Record{
		Kind: put.Kind, Key: put.Key, Version: rec.version, State: put.State, Group: put.Group,
		Due: ledger.FromMicros(ledger.Micros(put.Due)), Body: put.Body, Created: ledger.FromMicros(rec.created), Updated: p.booked,
	}})
}

// collapse leaves of several puts of one record in a batch only the last, on the base of the first.
func collapse(rows []RecordRow) []RecordRow {
	if len(rows) < 2 {
		return rows
	}
	at := make(map[RecordName]int, len(rows))
	out := rows[:0:0]
	for i := range rows {
		name := RecordName{rows[i].Kind, rows[i].Key}
		if j, ok := at[name]; ok {
			base := out[j].Base
			out[j] = rows[i]
			out[j].Base = base
			continue
		}
		at[name] = len(out)
		out = append(out, rows[i])
	}
	return out
}

func putDigest(p *ledger.Put) [32]byte { return digest(p.State, p.Group, ledger.Micros(p.Due), p.Body) }
