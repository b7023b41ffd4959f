package open

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/export"
	"qiantang.dev/rails/internal/ledger/postgres"
	"qiantang.dev/rails/internal/ledger/sqlite"
)

func isPostgres(location string) bool {
	return strings.HasPrefix(location, "postgres://") || strings.HasPrefix(location, "postgresql://")
}

// Migrate brings the schema of the ledger at location up to date, and grants appRole, where it is set, what workers need on PostgreSQL.
func Migrate(ctx context.Context, location, appRole string) (applied int, err error) {
	if isPostgres(location) {
		return postgres.Migrate(ctx, location, appRole)
	}
	path, ok, err := SQLitePath(location)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, unknown(location)
	}
	return 0, sqlite.Migrate(ctx, path)
}

// Role is the role that a PostgreSQL ledger is opened as.
func Role(location string) (string, error) {
	if !isPostgres(location) {
		return "", fmt.Errorf("ledger %s has no roles", Redacted(location))
	}
	return postgres.Role(location)
}

// saver keeps checkpoints.
type saver interface {
	SaveCheckpoint(ctx context.Context, size uint64, note string) error
}

// Import reads an export into the empty ledger at location, with its checkpoints.
func Import(ctx context.Context, location, dir string, progress func(done, total uint64)) (m export.Manifest, err error) {
	fill := func(im *engine.Importer) error {
		var err error
		m, err = export.Import(ctx, dir, im, progress)
		return err
	}
	if isPostgres(location) {
		err = postgres.Import(ctx, location, fill)
	} else {
		path, ok, pathErr := SQLitePath(location)
		switch {
		case pathErr != nil:
			return m, pathErr
		case !ok:
			return m, unknown(location)
		}
		err = sqlite.Import(ctx, path, fill)
	}
	if err != nil {
		return m, err
	}
	checkpoints, err := export.Checkpoints(dir)
	if err != nil || len(checkpoints) == 0 {
		return m, err
	}
	l, err := Open(ctx, location, Options{ReadOnly: true})
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for _, c := range checkpoints {
		if err := l.(saver).SaveCheckpoint(ctx, c.Size, c.Note); err != nil {
			return m, err
		}
	}
	return m, nil
}
