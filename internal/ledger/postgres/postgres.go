package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/reader"
)

// Options tune a Ledger; the zero value is what production uses.
type Options struct {
	engine.Options
	// ReadOnly refuses Apply.
	ReadOnly bool
	// ConnectTimeout bounds one attempt to connect where the DSN does not say; 0: 5 s.
	ConnectTimeout time.Duration
}

// Ledger is an open database.
type Ledger struct {
	*reader.Reader
	pool   *pgxpool.Pool
	engine *engine.Engine // nil when read-only
	store  *store
	close  sync.Once
}

var _ ledger.Ledger = (*Ledger)(nil)

var dialect = reader.Dialect{Name: "postgres", Dollar: true, ID: func(id uuid.UUID) any { return id },
	Unlike: "substr(j.id::text, 1, 13) <> substr(j.reference, 1, 13)"}

// Open connects to the database that dsn (a postgres:// URL or key=value pairs) names. Its schema must have been migrated. Errors do
// not show the password.
func Open(ctx context.Context, dsn string, opt Options) (*Ledger, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("ledger's DSN: %w", err)
	}
	if opt.ConnectTimeout <= 0 {
		opt.ConnectTimeout = 5 * time.Second
	}
	if cfg.ConnConfig.ConnectTimeout <= 0 || cfg.ConnConfig.ConnectTimeout > opt.ConnectTimeout {
		cfg.ConnConfig.ConnectTimeout = opt.ConnectTimeout
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("ledger's database: %w", err)
	}
	l := &Ledger{Reader: reader.New(stdlib.OpenDBFromPool(pool), dialect), pool: pool}
	if err := l.Reader.Ping(ctx); err != nil {
		_ = l.DB().Close()
		pool.Close()
		return nil, fmt.Errorf("ledger on %s, database %s (has `qiantang ledger migrate` been run?): %w",
			cfg.ConnConfig.Host, cfg.ConnConfig.Database, err)
	}
	if opt.ReadOnly {
		return l, nil
	}
	l.store = &store{Reader: l.Reader, config: cfg.ConnConfig.Copy()}
	l.engine = engine.New(l.store, opt.Options)
	return l, nil
}

// Apply implements ledger.Ledger.
func (l *Ledger) Apply(ctx context.Context, c ledger.Commit) (ledger.Receipt, error) {
	if l.engine == nil {
		return ledger.Receipt{}, &ledger.UnavailableError{Err: errors.New("opened for reading only")}
	}
	return l.engine.Apply(ctx, c)
}

// Ping implements ledger.Ledger: it fails while the store cannot be read or cannot book.
func (l *Ledger) Ping(ctx context.Context) error {
	if err := l.Reader.Ping(ctx); err != nil || l.engine == nil {
		return err
	}
	return l.engine.Probe(ctx)
}

// Close finishes the batch under way and closes all connections.
func (l *Ledger) Close() error {
	var err error
	l.close.Do(func() {
		if l.engine != nil {
			l.engine.Close()
			l.store.drop()
		}
		err = l.DB().Close()
		l.pool.Close()
	})
	return err
}

// Pool is the pool of reading connections, for bulk reads that database/sql has no way for.
func (l *Ledger) Pool() *pgxpool.Pool { return l.pool }

// connect opens the writing connection.
func connect(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	c := cfg.Copy()
	for name, value := range map[string]string{
		"application_name": "qiantang-ledger",
		// A process that was stopped while it held the head must not hold up the others for long.
		"idle_in_transaction_session_timeout": "5s",
	} {
		if c.RuntimeParams[name] == "" {
			c.RuntimeParams[name] = value
		}
	}
	return pgx.ConnectConfig(ctx, c)
}

// Import connects to an empty, migrated database for an import and calls fill with it. An import that failed leaves a database that is
// to be thrown away.
func Import(ctx context.Context, dsn string, fill func(*engine.Importer) error) error {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("ledger's DSN: %w", err)
	}
	s := &store{config: cfg}
	defer s.drop()
	im, err := engine.NewImporter(ctx, s)
	if err != nil {
		return fmt.Errorf("ledger on %s, database %s: %w", cfg.Host, cfg.Database, err)
	}
	return fill(im)
}
