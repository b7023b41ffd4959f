package settle

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2/humatest"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
)

func TestRunsAndFilesAreServed(t *testing.T) {
	b := newBench(t)
	s := b.settler(b.ledger, nil)
	_, api := humatest.New(t)
	s.Register(api)
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	if err := s.RequestRun(context.Background(), plan.RunRequest{Name: "by-hand", Schedule: "shanghai-daily"}); err != nil {
		t.Fatal(err)
	}
	b.step(s)
	var list RunList
	if err := json.Unmarshal(api.Get("/v1/settlement/runs").Body.Bytes(), &list); err != nil || len(list.Runs) != 1 {
		t.Fatalf("list %+v (%v)", list, err)
	}
	got := api.Get("/v1/settlement/runs/by-hand")
	if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `"phase":"Settled"`) {
		t.Errorf("run: %d %s", got.Code, got.Body)
	}
	file := api.Get("/v1/settlement/runs/by-hand/files/" + list.Runs[0].Instructions[0].MessageID)
	if file.Code != http.StatusOK || !strings.Contains(file.Body.String(), "<FICdtTrf>") {
		t.Errorf("file: %d %s", file.Code, file.Body)
	}
	for _, path := range []string{"/v1/settlement/runs/nobody", "/v1/settlement/runs/nobody/files/x", "/v1/settlement/runs/by-hand/files/x"} {
		if got := api.Get(path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	if got := api.Get("/v1/settlement/runs?limit=0"); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("limit 0: %d", got.Code)
	}
}

// away is a ledger that cannot be reached.
type away struct{ ledger.Ledger }

func (away) Record(context.Context, string, string) (ledger.Record, error) {
	return ledger.Record{}, &ledger.UnavailableError{Err: errKilled}
}

func (away) Records(context.Context, ledger.RecordQuery) ([]ledger.Record, error) {
	return nil, &ledger.UnavailableError{Err: errKilled}
}

func TestALedgerThatIsAwayIsARetryableAnswer(t *testing.T) {
	s := New(Options{Ledger: away{}})
	_, api := humatest.New(t)
	s.Register(api)
	for _, path := range []string{"/v1/settlement/runs", "/v1/settlement/runs/x", "/v1/settlement/runs/x/files/y"} {
		if got := api.Get(path); got.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
}

func TestFilesStayBelowTheirDirectory(t *testing.T) {
	f := files{dir: t.TempDir()}
	for _, name := range []string{"../out.xml", "/etc/out.xml", "a/../../out.xml"} {
		if err := f.write(name, []byte("x")); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if err := f.write("a/b/c.xml", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := f.write("a/b/c.xml", []byte("2")); err != nil {
		t.Fatal(err)
	}
	if got, err := f.read("a/b/c.xml"); err != nil || string(got) != "2" {
		t.Errorf("read %q (%v)", got, err)
	}
	if err := (files{}).write("a.xml", nil); err == nil {
		t.Error("written without a directory")
	}
}
