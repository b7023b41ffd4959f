package bench

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"qiantang.dev/rails/internal/ledger/pgserver"
)

var tps = regexp.MustCompile(`tps = ([0-9.]+)`)

// Pgbench runs pgbench on a database of its own and returns transactions a second. Args choose the script.
func Pgbench(ctx context.Context, s *pgserver.Server, database string, clients int, seconds int, args ...string) (float64, error) {
	args = append(args, "-h", s.Socket(), "-U", "postgres", "-c", strconv.Itoa(clients), "-j", "2", "-T", strconv.Itoa(seconds), "-n", database)
	out, err := exec.CommandContext(ctx, filepath.Join(s.Bin(), "pgbench"), args...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w: %s", err, out)
	}
	m := tps.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("pgbench said no tps: %s", out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// PgbenchInit fills a database for pgbench.
func PgbenchInit(ctx context.Context, s *pgserver.Server, database string, scale int) error {
	out, err := exec.CommandContext(ctx, filepath.Join(s.Bin(), "pgbench"), "-h", s.Socket(), "-U", "postgres", "-i", "-q", "-s", strconv.Itoa(scale), database).CombinedOutput()
	if err != nil {
		return fmt.Errorf("pgbench -i: %w: %s", err, out)
	}
	return nil
}

// Copy is the bare limit: the rows that stand in the journal go by COPY, as bytes made before, into a table with the same columns, keys and
// indexes, in commits of so many rows. It returns rows a second.
func Copy(ctx context.Context, dsn string, rows, perCommit int) (float64, error) {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	for _, q := range []string{"DROP TABLE IF EXISTS bare", "CREATE TABLE bare (LIKE journal INCLUDING ALL)", "CHECKPOINT"} {
		if _, err := c.Exec(ctx, q); err != nil {
			return 0, err
		}
	}
	var parts [][]byte
	for from := 0; from < rows; from += perCommit {
		var b bytes.Buffer
		q := fmt.Sprintf("COPY (SELECT * FROM journal WHERE seq > %d AND seq <= %d ORDER BY seq) TO STDOUT (FORMAT binary)", from, min(from+perCommit, rows))
		if _, err := c.PgConn().CopyTo(ctx, &b, q); err != nil {
			return 0, err
		}
		parts = append(parts, b.Bytes())
	}
	begin := time.Now()
	written := int64(0)
	for _, p := range parts {
		tag, err := c.PgConn().CopyFrom(ctx, bytes.NewReader(p), "COPY bare FROM STDIN (FORMAT binary)")
		if err != nil {
			return 0, err
		}
		written += tag.RowsAffected()
	}
	took := time.Since(begin)
	if written != int64(rows) {
		return 0, fmt.Errorf("copied %d rows of %d", written, rows)
	}
	_, err = c.Exec(ctx, "DROP TABLE bare")
	return float64(written) / took.Seconds(), err
}

// SQLiteInserts is the embedded ledger's bare limit: the rows that stand in the journal of the file at from go by a prepared one-row
// insert into a new file's table with the same keys and indexes, in durable commits of so many rows. It returns rows a second.
func SQLiteInserts(ctx context.Context, from, to string, rows, perCommit int) (perSecond float64, err error) {
	db, err := sql.Open("sqlite", "file:"+to+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)&_pragma=wal_autocheckpoint(4000)")
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "ATTACH ? AS src", from); err != nil {
		return 0, err
	}
	schema, err := texts(ctx, db, `SELECT sql FROM src.sqlite_master WHERE tbl_name = 'journal' AND type IN ('table', 'index') AND sql IS NOT NULL`)
	if err != nil {
		return 0, err
	}
	for _, q := range schema {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return 0, err
		}
	}
	values, err := journalRows(ctx, db, rows)
	if err != nil {
		return 0, err
	}
	if _, err := db.ExecContext(ctx, "DETACH src"); err != nil {
		return 0, err
	}
	insert, err := db.PrepareContext(ctx, "INSERT INTO journal VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
	if err != nil {
		return 0, err
	}
	defer func() { _ = insert.Close() }()
	begin := time.Now()
	for at := 0; at < len(values); at += perCommit {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		stmt := tx.StmtContext(ctx, insert) //nolint:sqlclosecheck // it ends with the transaction, and insert is closed above
		for _, v := range values[at:min(at+perCommit, len(values))] {
			if _, err := stmt.ExecContext(ctx, v...); err != nil {
				return 0, err
			}
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
	}
	return float64(len(values)) / time.Since(begin).Seconds(), nil
}

func texts(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func journalRows(ctx context.Context, db *sql.DB, n int) ([][]any, error) {
	rows, err := db.QueryContext(ctx, "SELECT * FROM src.journal ORDER BY seq LIMIT ?", n)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out [][]any
	for rows.Next() {
		v := make([]any, 16)
		dest := make([]any, len(v))
		for i := range v {
			dest[i] = &v[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
