// Package open opens a ledger by its URL: sqlite:///path/to/ledger.db or postgres://….
package open

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/postgres"
	"qiantang.dev/rails/internal/ledger/sqlite"
)

// Options are what both stores understand.
type Options struct {
	engine.Options
	// ReadOnly opens for reading: nothing is migrated, Apply is refused.
	ReadOnly bool
}

// Open opens the ledger at location. An embedded ledger is created and migrated; a PostgreSQL must have been migrated. Errors never show a
// password.
func Open(ctx context.Context, location string, opt Options) (ledger.Ledger, error) {
	path, ok, err := SQLitePath(location)
	switch {
	case err != nil:
		return nil, err
	case ok:
		return sqlite.Open(ctx, path, sqlite.Options{Options: opt.Options, ReadOnly: opt.ReadOnly})
	}
	if isPostgres(location) {
		return postgres.Open(ctx, location, postgres.Options{Options: opt.Options, ReadOnly: opt.ReadOnly})
	}
	return nil, unknown(location)
}

func unknown(location string) error {
	return fmt.Errorf("ledger %s: want sqlite:///path or postgres://…", Redacted(location))
}

// SQLitePath is the file that a sqlite URL names; ok is false for other URLs.
func SQLitePath(location string) (path string, ok bool, err error) {
	rest, ok := strings.CutPrefix(location, "sqlite://")
	if !ok {
		return "", false, nil
	}
	if rest == "" || rest == "/" {
		return "", true, fmt.Errorf("ledger %s: names no file", location)
	}
	return rest, true, nil
}

// Redacted is location without what may be secret.
func Redacted(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Scheme == "" {
		return "(a URL that cannot be read)"
	}
	return u.Scheme + "://" + u.Host + u.Path
}
