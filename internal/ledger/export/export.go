package export

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/merkle"
	"qiantang.dev/rails/internal/ledger/reader"
	"qiantang.dev/rails/internal/money"
)

// Source is a store as an export reads it.
type Source interface {
	Frame(ctx context.Context) (reader.Frame, error)
	ScanJournal(ctx context.Context, after, until uint64, visit func(*reader.Raw) error) error
	ScanRecords(ctx context.Context, visit func(rec *ledger.Record, digest []byte) error) error
	Checkpoints(ctx context.Context) ([]reader.Checkpoint, error)
}

// Manifest says what a folder holds.
type Manifest struct {
	Format      string `json:"format"`
	Entries     uint64 `json:"entries"`
	Accounts    uint64 `json:"accounts"`
	Root        []byte `json:"root"`
	AccountRoot []byte `json:"accountRoot"`
}

const format = "qiantang-ledger/1"

var (
	accountHeader    = []string{"id", "owner", "participant", "type", "currency", "floor", "cap"}
	journalHeader    = []string{"seq", "booked", "id", "kind", "debit", "credit", "currency", "amount", "released", "ref", "expires", "value_date", "code", "reference", "window"}
	recordHeader     = []string{"kind", "key", "version", "state", "group", "due", "created", "updated", "body"}
	checkpointHeader = []string{"size", "note"}
)

// Export writes the books as they stand into dir, which must be empty or new. Progress, where not nil, is told how many entries are done.
func Export(ctx context.Context, src Source, dir string, progress func(done, total uint64)) (Manifest, error) {
	var m Manifest
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return m, fmt.Errorf("export: %w", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		return m, errors.Join(err, fmt.Errorf("export: folder %s is not empty", dir))
	}
	frame, err := src.Frame(ctx)
	if err != nil {
		return m, err
	}
	if m, err = manifestOf(frame.Head); err != nil {
		return m, err
	}
	err = table(dir, "accounts", accountHeader, func(put func(...string) error) error {
		for i := range frame.Accounts {
			a := &frame.Accounts[i]
			if err := put(a.ID, a.Owner, a.Participant, string(a.Type), string(a.Currency), limit(a.Floor), limit(a.Cap)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = table(dir, "journal", journalHeader, func(put func(...string) error) error {
			return journal(ctx, src, &frame, put, progress)
		})
	}
	if err == nil {
		err = table(dir, "records", recordHeader, func(put func(...string) error) error {
			return src.ScanRecords(ctx, func(r *ledger.Record, _ []byte) error {
				return put(r.Kind, r.Key, strconv.FormatInt(r.Version, 10), r.State, r.Group, moment(r.Due), moment(r.Created), moment(r.Updated), body(r.Body))
			})
		})
	}
	if err == nil {
		err = table(dir, "checkpoints", checkpointHeader, func(put func(...string) error) error {
			all, err := src.Checkpoints(ctx)
			for _, c := range all {
				if c.Size <= m.Entries {
					err = errors.Join(err, put(strconv.FormatUint(c.Size, 10), c.Note))
				}
			}
			return err
		})
	}
	if err != nil {
		return m, fmt.Errorf("export: %w", err)
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	// Last, so that a folder without it is known to be unfinished.
	return m, os.WriteFile(filepath.Join(dir, "manifest.json"), append(b, '\n'), 0o640)
}

func manifestOf(h engine.Head) (Manifest, error) {
	journal, err := merkle.Open(h.Seq, h.Journal)
	if err != nil {
		return Manifest{}, fmt.Errorf("journal's frontier: %w", err)
	}
	accounts, err := merkle.Open(h.Accounts, h.AccountLog)
	if err != nil {
		return Manifest{}, fmt.Errorf("accounts' frontier: %w", err)
	}
	return Manifest{Format: format, Entries: h.Seq, Accounts: h.Accounts, Root: journal.Root(), AccountRoot: accounts.Root()}, nil
}

func journal(ctx context.Context, src Source, f *reader.Frame, put func(...string) error, progress func(done, total uint64)) error {
	return src.ScanJournal(ctx, 0, f.Head.Seq, func(r *reader.Raw) error {
		if r.DebitNo == 0 || r.CreditNo == 0 || max(r.DebitNo, r.CreditNo) > uint64(len(f.Accounts)) {
			return fmt.Errorf("entry %d names an account that does not exist: verify the ledger", r.Seq)
		}
		c := money.Currency(r.Currency)
		ref := ""
		if r.Ref != uuid.Nil {
			ref = uuid.UUID(r.Ref).String()
		}
		if progress != nil && (r.Seq%10000 == 0 || r.Seq == f.Head.Seq) {
			progress(r.Seq, f.Head.Seq)
		}
		return put(strconv.FormatUint(r.Seq, 10), moment(ledger.FromMicros(r.Booked)), uuid.UUID(r.ID).String(), string(ledger.KindOf(r.Kind)),
			f.Accounts[r.DebitNo-1].ID, f.Accounts[r.CreditNo-1].ID, string(c), money.FromMinor(r.Amount, c).Decimal(),
			money.FromMinor(r.Released, c).Decimal(), ref, moment(ledger.FromMicros(r.Expires)), ledger.FromDays(r.ValueDate).Format(time.DateOnly),
			string(r.Code), string(r.Reference), string(r.Window))
	})
}

// table writes one CSV file.
func table(dir, name string, header []string, fill func(put func(...string) error) error) (err error) {
	f, err := os.OpenFile(filepath.Join(dir, name+".csv"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := csv.NewWriter(f)
	if err := w.Write(header); err != nil {
		return err
	}
	if err := fill(func(fields ...string) error { return w.Write(fields) }); err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}

func limit(v *int64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatInt(*v, 10)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// encoded marks a body that CSV readers would change: they make one line feed of a carriage return and a line feed.
const encoded = "base64:"

func body(b []byte) string {
	if strings.Contains(string(b), "\r") {
		return encoded + base64.StdEncoding.EncodeToString(b)
	}
	return string(b)
}
