package reader

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
)

// alike are the bytes that a transfer's ID and its reference begin with where the one is found by the other: those of a UUID of
// version 7 that tell the time.
const alike = 6

// EntriesByReference implements ledger.Ledger. Entries whose ID begins as the reference does are found by their IDs, the others by an
// index of those alone.
func (r *Reader) EntriesByReference(ctx context.Context, reference string) ([]ledger.Entry, error) {
	if reference == "" {
		return nil, &ledger.InvalidError{Field: "reference", Why: "is not set"}
	}
	found, err := each(ctx, r, ScanEntry, RowSelect+`WHERE j.reference = ?1 AND j.reference <> '' AND `+r.d.Unlike+` ORDER BY j.seq`, reference)
	if err != nil {
		return nil, err
	}
	id, parseErr := uuid.Parse(reference)
	if parseErr != nil || id.String() != reference {
		return found, nil //nolint:nilerr // what is no UUID in its usual form begins no ID
	}
	low, high := id, id
	for i := alike; i < len(id); i++ {
		low[i], high[i] = 0, 0xff
	}
	named, err := each(ctx, r, ScanEntry, RowSelect+`WHERE j.id >= ?2 AND j.id <= ?3 AND j.reference = ?1 AND NOT (`+r.d.Unlike+`) ORDER BY j.seq`,
		reference, r.d.ID(low), r.d.ID(high))
	if err != nil {
		return nil, err
	}
	found = append(found, named...)
	slices.SortFunc(found, func(a, b ledger.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	return found, nil
}
