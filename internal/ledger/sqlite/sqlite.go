package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/uuid"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/reader"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options tune a Ledger; the zero value is what production uses.
type Options struct {
	engine.Options
	// ReadOnly opens an existing file without migrating it; Apply is refused.
	ReadOnly bool
	// MaxBytes bounds the file; a commit that would make it larger is refused as on a full disk. 0: no bound of ours.
	MaxBytes int64
	// MaxReaders bounds the connections that read; 0: 8.
	MaxReaders int
}

// Ledger is an open file.
type Ledger struct {
	*reader.Reader
	engine *engine.Engine // nil when read-only
	store  *store
	dsn    string
	close  sync.Once
}

var _ ledger.Ledger = (*Ledger)(nil)

// Open opens the file at path, creating it and bringing its schema up to date.
func Open(ctx context.Context, path string, opt Options) (*Ledger, error) {
	if opt.ReadOnly {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("ledger file: %w", err)
		}
	} else if err := Migrate(ctx, path); err != nil {
		return nil, err
	}
	// Each connection that reads has a cache of its own. What it lacks is in the system's, so that a small one costs little time.
	readers, err := sql.Open("sqlite", dsn(path, "_pragma=query_only(1)", "_pragma=cache_size(-4096)"))
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", path, err)
	}
	if opt.MaxReaders <= 0 {
		opt.MaxReaders = 8
	}
	readers.SetMaxOpenConns(opt.MaxReaders)
	readers.SetMaxIdleConns(opt.MaxReaders)
	l := &Ledger{Reader: reader.New(readers, dialect), dsn: dsn(path)}
	if err := l.Reader.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("ledger %s: %w", path, err), readers.Close())
	}
	if opt.ReadOnly {
		return l, nil
	}
	if l.store, err = openStore(ctx, path, l.Reader, opt.MaxBytes); err != nil {
		return nil, errors.Join(fmt.Errorf("ledger %s: %w", path, err), readers.Close())
	}
	l.engine = engine.New(l.store, opt.Options)
	return l, nil
}

// Migrate creates the file at path where there is none and brings its schema up to date.
func Migrate(ctx context.Context, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("ledger folder: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return fmt.Errorf("ledger %s: %w", path, err)
	}
	defer func() { _ = db.Close() }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("ledger %s: migrations: %w", path, err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("ledger %s: migrate: %w", path, err)
	}
	return nil
}

var dialect = reader.Dialect{Name: "sqlite", ID: func(id uuid.UUID) any { return id[:] },
	Unlike: "lower(hex(substr(j.id, 1, 6))) <> substr(j.reference, 1, 8) || substr(j.reference, 10, 4)"}

// dsn names the file with what every connection is set to: WAL, an fsync at each commit, and some patience with other processes.
func dsn(path string, more ...string) string {
	q := "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" +
		"&_pragma=temp_store(MEMORY)&_pragma=wal_autocheckpoint(4000)"
	for _, m := range more {
		q += "&" + m
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q}).String()
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

// Close finishes the batch under way and closes the file.
func (l *Ledger) Close() error {
	var err error
	l.close.Do(func() {
		if l.engine != nil {
			l.engine.Close()
			err = l.store.close()
		}
		err = errors.Join(err, l.DB().Close())
	})
	return err
}

// SaveCheckpoint keeps a signed note about the journal's first size entries; the same size may be saved again.
func (l *Ledger) SaveCheckpoint(ctx context.Context, size uint64, note string) error {
	db, err := sql.Open("sqlite", l.dsn)
	if err != nil {
		return &ledger.UnavailableError{Err: err}
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, `INSERT INTO checkpoint (size, note) VALUES (?1, ?2) ON CONFLICT DO NOTHING`, size, note); err != nil {
		return &ledger.UnavailableError{Err: fmt.Errorf("save checkpoint of %d entries: %w", size, err)}
	}
	return nil
}

// Import opens an empty file for an import and calls fill with it. An import that failed leaves a file that is to be thrown away.
func Import(ctx context.Context, path string, fill func(*engine.Importer) error) (err error) {
	if err := Migrate(ctx, path); err != nil {
		return err
	}
	s, err := openStore(ctx, path, nil, 0)
	if err != nil {
		return fmt.Errorf("ledger %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	im, err := engine.NewImporter(ctx, s)
	if err != nil {
		return fmt.Errorf("ledger %s: %w", path, err)
	}
	return fill(im)
}
