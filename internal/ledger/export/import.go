package export

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/money"
)

// batchSize is how many rows are written in one commit.
const batchSize = 4096

// Import reads the folder into an empty store; its checkpoints are to be saved by the caller, who has opened it then.
func Import(ctx context.Context, dir string, im *engine.Importer, progress func(done, total uint64)) (Manifest, error) {
	var m Manifest
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return m, fmt.Errorf("import: not a finished export: %w", err)
	}
	if err := json.Unmarshal(b, &m); err != nil || m.Format != format {
		return m, errors.Join(err, fmt.Errorf("import: manifest.json: format %q, want %q", m.Format, format))
	}
	if err := load(dir, "accounts", accountHeader, account, func(rows []ledger.Account) error { return im.Accounts(ctx, rows) }); err != nil {
		return m, err
	}
	if err := load(dir, "journal", journalHeader, entry, func(rows []ledger.Entry) error {
		err := im.Entries(ctx, rows)
		if progress != nil && err == nil {
			progress(im.Head().Seq, m.Entries)
		}
		return err
	}); err != nil {
		return m, err
	}
	if err := load(dir, "records", recordHeader, record, func(rows []ledger.Record) error { return im.Records(ctx, rows) }); err != nil {
		return m, err
	}
	head := im.Head()
	got, err := manifestOf(head)
	if err != nil {
		return m, err
	}
	if got.Entries != m.Entries || got.Accounts != m.Accounts || !bytes.Equal(got.Root, m.Root) || !bytes.Equal(got.AccountRoot, m.AccountRoot) {
		return m, fmt.Errorf("import: the files were changed: %d entries and %d accounts with root %x, the manifest says %d and %d with root %x",
			got.Entries, got.Accounts, got.Root, m.Entries, m.Accounts, m.Root)
	}
	return m, nil
}

// Checkpoint is a checkpoint as exported.
type Checkpoint struct {
	Size uint64
	Note string
}

// Checkpoints reads the folder's checkpoints.
func Checkpoints(dir string) ([]Checkpoint, error) {
	var all []Checkpoint
	err := load(dir, "checkpoints", checkpointHeader, func(f []string) (Checkpoint, error) {
		size, err := strconv.ParseUint(f[0], 10, 64)
		return Checkpoint{Size: size, Note: f[1]}, err
	}, func(rows []Checkpoint) error {
		all = append(all, rows...)
		return nil
	})
	return all, err
}

// load reads a CSV file in batches.
func load[T any](dir, name string, header []string, parse func([]string) (T, error), put func([]T) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("import: %s.csv: %w", name, err)
		}
	}()
	f, err := os.Open(filepath.Join(dir, name+".csv"))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.ReuseRecord, r.FieldsPerRecord = true, len(header)
	if first, err := r.Read(); err != nil || !slices.Equal(first, header) {
		return errors.Join(err, fmt.Errorf("line 1: want %s", strings.Join(header, ",")))
	}
	rows := make([]T, 0, batchSize)
	for {
		fields, err := r.Read()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		end := err != nil
		if !end {
			line, _ := r.FieldPos(0)
			v, err := parse(fields)
			if err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
			rows = append(rows, v)
		}
		if len(rows) == batchSize || end && len(rows) > 0 {
			if err := put(rows); err != nil {
				return err
			}
			rows = rows[:0]
		}
		if end {
			return nil
		}
	}
}

func account(f []string) (ledger.Account, error) {
	a := ledger.Account{ID: f[0], Owner: f[1], Participant: f[2], Type: ledger.AccountType(f[3]), Currency: money.Currency(f[4])}
	for _, l := range [2]struct {
		to    **int64
		field string
	}{{&a.Floor, f[5]}, {&a.Cap, f[6]}} {
		if l.field == "" {
			continue
		}
		v, err := strconv.ParseInt(l.field, 10, 64)
		if err != nil {
			return a, err
		}
		*l.to = &v
	}
	return a, nil
}

func entry(f []string) (ledger.Entry, error) {
	e := ledger.Entry{Transfer: ledger.Transfer{
		Kind: ledger.TransferKind(f[3]), Debit: strings.Clone(f[4]), Credit: strings.Clone(f[5]), Code: f[12], Reference: f[13], Window: f[14],
	}}
	if e.Kind.Code() == 0 {
		return e, &ledger.InvalidError{Field: "kind", Value: f[3], Why: "is no kind of transfer"}
	}
	currency, err := money.ParseCurrency(f[6])
	errs := []error{err}
	keep := func(err error) { errs = append(errs, err) }
	e.Seq, err = strconv.ParseUint(f[0], 10, 64)
	keep(err)
	e.Booked, err = parseMoment(f[1])
	keep(err)
	e.ID, err = uuid.Parse(f[2])
	keep(err)
	e.Amount, err = money.ParseAmount(f[7], currency)
	keep(err)
	released, err := money.ParseAmount(f[8], currency)
	keep(err)
	e.Released = released.Minor()
	if f[9] != "" {
		e.Ref, err = uuid.Parse(f[9])
		keep(err)
	}
	e.Expires, err = parseMoment(f[10])
	keep(err)
	e.ValueDate, err = time.Parse(time.DateOnly, f[11])
	keep(err)
	return e, errors.Join(errs...)
}

func record(f []string) (ledger.Record, error) {
	r := ledger.Record{Kind: f[0], Key: f[1], State: f[3], Group: f[4], Body: []byte(f[8])}
	var errs [4]error
	r.Version, errs[0] = strconv.ParseInt(f[2], 10, 64)
	for i, to := range []*time.Time{&r.Due, &r.Created, &r.Updated} {
		*to, errs[i+1] = parseMoment(f[5+i])
	}
	err := errors.Join(errs[:]...)
	if rest, ok := strings.CutPrefix(f[8], encoded); ok && err == nil {
		r.Body, err = base64.StdEncoding.DecodeString(rest)
	}
	return r, err
}

func parseMoment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339Nano, s)
}
