package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// grants are what the application's role may do; the role's name takes the place of %s.
var grants = []string{
	"GRANT SELECT, INSERT ON journal, account, batch, node, checkpoint TO %s",
	"GRANT SELECT, INSERT, UPDATE ON balance, window_position, record TO %s",
	"GRANT SELECT, UPDATE ON head TO %s",
}

// Migrate brings the schema up to date as dsn's role, which becomes or is the owner. Where appRole is set, that existing role is granted
// what workers need and no more; a role that may change the journal all the same is an error. It may be run again at any time.
func Migrate(ctx context.Context, dsn, appRole string) (applied int, err error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return 0, fmt.Errorf("ledger's DSN: %w", err)
	}
	db := stdlib.OpenDB(*cfg)
	defer func() { _ = db.Close() }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return 0, err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return 0, fmt.Errorf("ledger's migrations: %w", err)
	}
	results, err := p.Up(ctx)
	if err != nil {
		return len(results), fmt.Errorf("migrate database %s on %s: %w", cfg.Database, cfg.Host, err)
	}
	if appRole == "" {
		return len(results), nil
	}
	for _, g := range grants {
		if _, err := db.ExecContext(ctx, fmt.Sprintf(g, pgx.Identifier{appRole}.Sanitize())); err != nil {
			return len(results), fmt.Errorf("grant to role %q: %w", appRole, err)
		}
	}
	var may bool
	if err := db.QueryRowContext(ctx, `SELECT has_table_privilege($1, 'journal', 'UPDATE, DELETE, TRUNCATE')`, appRole).Scan(&may); err != nil {
		return len(results), fmt.Errorf("rights of role %q: %w", appRole, err)
	}
	if may {
		return len(results), fmt.Errorf("role %q may change the journal: it is the owner or a member of it, a superuser, or was granted more than workers need", appRole)
	}
	return len(results), nil
}

// Role is the role that dsn connects as.
func Role(dsn string) (string, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "", fmt.Errorf("ledger's DSN: %w", err)
	}
	return cfg.User, nil
}
