package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5/pgconn"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/reader"
)

// ScanJournal is the reader's, by COPY in binary: an audit of millions of entries is bound by this.
func (l *Ledger) ScanJournal(ctx context.Context, after, until uint64, each func(*reader.Raw) error) error {
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		return &ledger.UnavailableError{Err: err}
	}
	defer conn.Release()
	p := &copyParser{each: each}
	sql := fmt.Sprintf("COPY (SELECT %s FROM journal WHERE seq > %d AND seq <= %d ORDER BY seq) TO STDOUT (FORMAT binary)",
		copyColumns, after, min(until, math.MaxInt64))
	_, err = conn.Conn().PgConn().CopyTo(ctx, p, sql)
	switch {
	case p.err != nil:
		return p.err
	case err != nil:
		return &ledger.UnavailableError{Err: err}
	}
	return nil
}

// SaveCheckpoint keeps a signed note about the journal's first size entries; the same size may be saved again.
func (l *Ledger) SaveCheckpoint(ctx context.Context, size uint64, note string) error {
	if _, err := l.pool.Exec(ctx, `INSERT INTO checkpoint (size, note) VALUES ($1, $2) ON CONFLICT DO NOTHING`, size, note); err != nil {
		var e *pgconn.PgError
		if errors.As(err, &e) {
			return fmt.Errorf("save checkpoint of %d entries: %w", size, err)
		}
		return &ledger.UnavailableError{Err: err}
	}
	return nil
}
