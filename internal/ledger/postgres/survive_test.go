package postgres_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/ledgertest"
	"qiantang.dev/rails/internal/ledger/pgserver"
	"qiantang.dev/rails/internal/ledger/postgres"
)

// patient waits out what the tests do to the server.
var patient = engine.Options{MaxWait: time.Minute}

func TestKilledWriterLosesNothing(t *testing.T) {
	_, dsn := database(t)
	ledgertest.RunKills(t, 200, dsn, func(t *testing.T, opt engine.Options) ledger.Ledger { return open(t, dsn, opt) })
}

func TestHistoriesAgreeWithTheModel(t *testing.T) { ledgertest.RunModel(t, fresh) }

// accounts makes the fixtures in a new ledger.
func accounts(t *testing.T, l ledger.Ledger) {
	t.Helper()
	if _, err := l.Apply(context.Background(), ledger.Commit{Accounts: ledgertest.Fixtures()}); err != nil {
		t.Fatal(err)
	}
}

// own starts a server that the test may kill.
func own(t *testing.T, parent string, settings map[string]string) *pgserver.Server {
	t.Helper()
	running(t) // skips where there is none
	s, err := pgserver.Start(context.Background(), parent, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestServerKilledUnderLoad(t *testing.T) {
	s := own(t, "", nil)
	if _, err := postgres.Migrate(context.Background(), s.DSN("postgres"), ""); err != nil {
		t.Fatal(err)
	}
	l := open(t, s.DSN("postgres"), patient)
	accounts(t, l)
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	booked := int64(0)
	for i := range rounds {
		booked += int64(ledgertest.Work(t, l, 16, func() {
			ledgertest.Reach(t, l, booked+100)
			if i%4 == 3 {
				s.Stop()
			} else {
				s.Kill()
			}
			if err := s.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			ledgertest.Reach(t, l, booked+200)
		}))
		ledgertest.Whole(t, l, true)
	}
	counts, err := l.CountRecords(context.Background(), "job", "")
	if err != nil || counts["done"] != booked {
		t.Fatalf("%d jobs acknowledged, %v booked, %v", booked, counts, err)
	}
}

func TestConflictsByTheServerAreRetried(t *testing.T) {
	name, dsn := database(t)
	// Statements fail at random, and commits do, as they would on a distributed database.
	if err := running(t).Exec(context.Background(), name,
		`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF random() < 0.2 THEN RAISE EXCEPTION 'injected' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$`,
		`CREATE TRIGGER fail_journal AFTER INSERT ON journal FOR EACH STATEMENT EXECUTE FUNCTION fail()`,
		`CREATE TRIGGER fail_head AFTER UPDATE ON head FOR EACH STATEMENT EXECUTE FUNCTION fail()`,
		`CREATE CONSTRAINT TRIGGER fail_commit AFTER INSERT ON batch DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()`,
	); err != nil {
		t.Fatal(err)
	}
	a, b := open(t, dsn, patient), open(t, dsn+"&default_transaction_isolation=serializable", patient)
	accounts(t, a)
	booked := ledgertest.Work(t, a, 8, func() {
		ledgertest.Work(t, b, 8, func() { ledgertest.Reach(t, b, 600) })
	})
	ledgertest.Whole(t, a, true)
	if booked == 0 {
		t.Fatal("one of the writers booked nothing")
	}
}

func TestConnectionsCutInTheMiddleOfACommit(t *testing.T) {
	s := running(t)
	name, _ := database(t)
	p := newProxy(t, filepath.Join(s.Socket(), ".s.PGSQL.5432"))
	l := open(t, p.dsn(role, name), patient)
	direct := open(t, s.RoleDSN(role, name), engine.Options{SweepEvery: -1})
	accounts(t, l)
	booked := ledgertest.Work(t, l, 16, func() {
		for want := int64(50); want <= 1500; want += 50 {
			p.cutNextCommit(int(want/50) % 3)
			ledgertest.Reach(t, direct, want)
		}
	})
	if p.cuts.Load() < 20 {
		t.Fatalf("only %d connections were cut", p.cuts.Load())
	}
	ledgertest.Whole(t, direct, true)
	counts, err := direct.CountRecords(context.Background(), "job", "")
	if err != nil || counts["done"] != int64(booked) {
		t.Fatalf("%d jobs acknowledged, %v booked, %v", booked, counts, err)
	}
}

func TestFullDiskRefusesAndRecovers(t *testing.T) {
	running(t)
	dir, err := os.MkdirTemp("", "qpgfs") // not t.TempDir: the server's user may not enter that
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=160m,mode=755"); err != nil {
		t.Skipf("no small file system to fill: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := own(t, dir, map[string]string{"max_wal_size": "48MB", "min_wal_size": "32MB", "wal_recycle": "off"})
	if _, err := postgres.Migrate(context.Background(), s.DSN("postgres"), ""); err != nil {
		t.Fatal(err)
	}
	l := open(t, s.DSN("postgres"), engine.Options{MaxWait: 2 * time.Second})
	accounts(t, l)
	filler := filepath.Join(dir, "filler")
	booked := ledgertest.Work(t, l, 8, func() {
		ledgertest.Reach(t, l, 100)
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 64<<10)
		for err == nil {
			_, err = f.Write(buf)
		}
		_ = f.Close()
		// Now until the server has no page left in which to book.
		waitRefused(t, s, l)
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if err := s.Ensure(context.Background()); err != nil { // it may have given up
			t.Fatal(err)
		}
		before, err := l.CountRecords(context.Background(), "job", "")
		if err != nil {
			t.Fatal(err)
		}
		ledgertest.Reach(t, l, before["done"]+200)
	})
	ledgertest.Whole(t, l, true)
	counts, err := l.CountRecords(context.Background(), "job", "")
	if err != nil || counts["done"] != int64(booked) {
		t.Fatalf("%d jobs acknowledged, %v booked, %v", booked, counts, err)
	}
}

// waitRefused waits until a job of its own is refused.
func waitRefused(t *testing.T, s *pgserver.Server, l ledger.Ledger) {
	t.Helper()
	for i := range 1_000_000 {
		if _, err := l.Apply(context.Background(), ledgertest.Padding(i)); err != nil {
			t.Logf("refused: %.120v", err)
			return
		}
	}
	t.Fatalf("the disk never filled: %s", s.Log())
}

func TestBackupRestores(t *testing.T) {
	s := running(t)
	name, dsn := database(t)
	l := open(t, dsn, engine.Options{})
	accounts(t, l)
	file := filepath.Join(t.TempDir(), "backup.dump")
	ledgertest.Work(t, l, 8, func() {
		ledgertest.Reach(t, l, 200)
		out, err := exec.Command(filepath.Join(s.Bin(), "pg_dump"), "-h", s.Socket(), "-U", "postgres", "-Fc", "-f", file, name).CombinedOutput()
		if err != nil {
			t.Fatalf("pg_dump: %v: %s", err, out)
		}
	})
	to, err := s.Database(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(s.Bin(), "pg_restore"), "-h", s.Socket(), "-U", "postgres", "-d", to, file).CombinedOutput()
	if err != nil {
		t.Fatalf("pg_restore: %v: %s", err, out)
	}
	restored := open(t, s.RoleDSN(role, to), engine.Options{})
	ledgertest.Whole(t, restored, true)
	ledgertest.Work(t, restored, 8, func() { ledgertest.Reach(t, restored, 600) })
	ledgertest.Whole(t, restored, true)
}
