package reader

import (
	"context"
	"fmt"
	"strings"
	"time"

	"qiantang.dev/rails/internal/ledger"
)

// grouped is what the index record_by_group is of.
const grouped = `grp <> ''`

// Record implements ledger.Ledger.
func (r *Reader) Record(ctx context.Context, kind, key string) (ledger.Record, error) {
	return one(ctx, r, ScanRecord, kind, key, RecordSelect+`WHERE kind = ?1 AND key = ?2`, kind, key)
}

// Records implements ledger.Ledger.
func (r *Reader) Records(ctx context.Context, q ledger.RecordQuery) ([]ledger.Record, error) {
	where, args := []string{"kind = ?1", "key > ?2"}, []any{q.Kind, q.After}
	for _, f := range [2]struct{ column, value string }{{"grp", q.Group}, {"state", q.State}} {
		if f.value != "" {
			args = append(args, f.value)
			where = append(where, fmt.Sprintf("%s = ?%d", f.column, len(args)))
		}
	}
	if q.Group != "" {
		where = append(where, grouped)
	}
	args = append(args, limited(q.Limit))
	return each(ctx, r, ScanRecord, fmt.Sprintf("%sWHERE %s ORDER BY key LIMIT ?%d", RecordSelect, strings.Join(where, " AND "), len(args)), args...)
}

// DueRecords implements ledger.Ledger.
func (r *Reader) DueRecords(ctx context.Context, kind string, before time.Time, limit int) ([]ledger.Record, error) {
	return each(ctx, r, ScanRecord, RecordSelect+`WHERE kind = ?1 AND due IS NOT NULL AND due <= ?2 ORDER BY due, key LIMIT ?3`,
		kind, before.UnixMicro(), limited(limit))
}

// CountRecords implements ledger.Ledger.
func (r *Reader) CountRecords(ctx context.Context, kind, group string) (map[string]int64, error) {
	query, args := `SELECT state, COUNT(*) FROM record WHERE kind = ?1 GROUP BY state`, []any{kind}
	if group != "" {
		query, args = `SELECT state, COUNT(*) FROM record WHERE kind = ?1 AND grp = ?2 AND `+grouped+` GROUP BY state`, []any{kind, group}
	}
	type count struct {
		state string
		n     int64
	}
	counts, err := each(ctx, r, func(s Scanner) (c count, err error) { return c, s.Scan(&c.state, &c.n) }, query, args...)
	if err != nil {
		return nil, err
	}
	out := make(map[string]int64, len(counts))
	for _, c := range counts {
		out[c.state] = c.n
	}
	return out, nil
}
