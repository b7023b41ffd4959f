package worker

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/open"
	"qiantang.dev/rails/internal/plan"
)

func newWorker(t *testing.T, roles ...string) (*Worker, ledger.Ledger) {
	t.Helper()
	books, err := open.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "ledger.db"), open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = books.Close() })
	w, err := New(Options{ID: "w-0", Institution: "demo", Region: "us-east", Roles: roles, Ledger: books, Directory: t.TempDir(), Log: logr.Discard(), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return w, books
}

func sealed(t *testing.T, r plan.Region) *plan.Region {
	t.Helper()
	if err := plan.Seal(&r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func get(t *testing.T, w *Worker, path string) (int, string) {
	t.Helper()
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return rec.Code, rec.Body.String()
}

func TestReadyOnlyWithAPlanAndALedger(t *testing.T) {
	w, books := newWorker(t, RoleRouter, RoleSettler)
	if code, body := get(t, w, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "no plan") {
		t.Errorf("%d %s", code, body)
	}
	if err := w.Switch(t.Context(), sealed(t, plan.Region{Institution: "demo", Name: "us-east"}), nil); err != nil {
		t.Fatal(err)
	}
	if code, body := get(t, w, "/readyz"); code != http.StatusOK {
		t.Errorf("%d %s", code, body)
	}
	if err := books.Close(); err != nil {
		t.Fatal(err)
	}
	if code, _ := get(t, w, "/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("ready on a closed ledger: %d", code)
	}
	if code, _ := get(t, w, "/healthz"); code != http.StatusOK {
		t.Errorf("not alive: %d", code)
	}
}

func TestAPlanIsServedByAllRolesOrNone(t *testing.T) {
	w, _ := newWorker(t, RoleRouter, RoleSettler)
	good := sealed(t, plan.Region{Institution: "demo", Name: "us-east"})
	if err := w.Switch(t.Context(), good, nil); err != nil {
		t.Fatal(err)
	}
	for what, r := range map[string]plan.Region{
		"another region's":      {Institution: "demo", Name: "eu-frankfurt"},
		"another institution's": {Institution: "other", Name: "us-east"},
		"one with a bad zone": {Institution: "demo", Name: "us-east", Schedules: []plan.Schedule{
			{Name: "s", Zone: "Asia/Hangzhou", CutOffs: []string{"0 17 * * *"}, HolidayRule: "Skip", Model: "Gross"}}},
		"one with an unknown adapter": {Institution: "demo", Name: "us-east", Providers: []plan.Provider{{Name: "p", Adapter: "Pigeon"}}},
	} {
		if err := w.Switch(t.Context(), sealed(t, r), nil); err == nil {
			t.Errorf("%s plan was taken", what)
		}
		if now := w.served.Load(); now.Revision != good.Revision {
			t.Errorf("%s plan: serves %s", what, now.Revision)
		}
	}
}

func TestRolesSayWhatIsServed(t *testing.T) {
	router, _ := newWorker(t, RoleRouter)
	if code, _ := get(t, router, "/v1/settlement/runs"); code != http.StatusNotFound {
		t.Errorf("a router lists settlement runs: %d", code)
	}
	if runs, err := router.Reports(t.Context()); err != nil || runs != nil {
		t.Errorf("%v %v", runs, err)
	}
	if err := router.RequestRun(t.Context(), plan.RunRequest{Name: "r", Schedule: "s"}); err != nil {
		t.Errorf("a router must leave runs to settlers: %v", err)
	}
	settler, _ := newWorker(t, RoleSettler)
	if code, _ := get(t, settler, "/v1/payments"); code != http.StatusNotFound {
		t.Errorf("a settler lists payments: %d", code)
	}
	if _, err := New(Options{Roles: []string{"cook"}}); err == nil || !strings.Contains(err.Error(), `"cook"`) {
		t.Errorf("got %v", err)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a worker without a role")
	}
}

func TestTheAPIDescribesItself(t *testing.T) {
	w, _ := newWorker(t, RoleRouter, RoleSettler)
	if err := w.Switch(t.Context(), sealed(t, plan.Region{Institution: "demo", Name: "us-east"}), nil); err != nil {
		t.Fatal(err)
	}
	_, body := get(t, w, "/openapi.json")
	var described struct {
		OpenAPI string
		Paths   map[string]any
	}
	if err := json.Unmarshal([]byte(body), &described); err != nil || !strings.HasPrefix(described.OpenAPI, "3.1") {
		t.Fatalf("%v: %s", err, described.OpenAPI)
	}
	_, page := get(t, w, "/docs")
	for path := range described.Paths {
		if !strings.Contains(page, path) {
			t.Errorf("/docs lacks %s", path)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "http://") || strings.Contains(page, "//unpkg") {
		t.Error("/docs loads something from elsewhere")
	}
	if code, body := get(t, w, "/v1/trial-balance"); code != http.StatusOK || !strings.Contains(body, `"balanced":true`) {
		t.Errorf("%d %s", code, body)
	}
	if code, body := get(t, w, "/metrics"); code != http.StatusOK || !strings.Contains(body, "go_goroutines") {
		t.Errorf("%d %.100s", code, body)
	}
}

func TestAClosedAPIAsksWhoIsCallingAndHealthDoesNot(t *testing.T) {
	for _, role := range []string{RoleRouter, RoleSettler} {
		t.Run(role, func(t *testing.T) {
			w, _ := newWorker(t, role)
			if code, body := get(t, w, "/v1/trial-balance"); code != http.StatusServiceUnavailable || !strings.Contains(body, "no plan") {
				t.Errorf("before the first plan: %d %s", code, body)
			}
			open := plan.Region{Institution: "demo", Name: "us-east"}
			if err := w.Switch(t.Context(), sealed(t, open), nil); err != nil {
				t.Fatal(err)
			}
			if code, body := get(t, w, "/v1/trial-balance"); code != http.StatusOK {
				t.Errorf("open: %d %s", code, body)
			}
			closed := open
			closed.API = &plan.API{Authentication: []plan.Authentication{
				{Name: "bank", Type: plan.AuthenticationOIDC, Audience: "rails", Issuer: "https://login.example", UsernameClaim: "sub"},
			}}
			if err := w.Switch(t.Context(), sealed(t, closed), nil); err != nil {
				t.Fatal(err)
			}
			if code, body := get(t, w, "/v1/trial-balance"); code != http.StatusUnauthorized || !strings.Contains(body, "no token") {
				t.Errorf("closed: %d %s", code, body)
			}
			for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"} {
				if code, body := get(t, w, path); code != http.StatusOK {
					t.Errorf("%s: %d %s", path, code, body)
				}
			}
			unheard := closed
			unheard.API = &plan.API{Authentication: []plan.Authentication{{Name: "cluster", Type: plan.AuthenticationServiceAccount, Audience: "rails"}}}
			if err := w.Switch(t.Context(), sealed(t, unheard), nil); err == nil {
				t.Error("a plan was taken that wants tokens reviewed where nobody can")
			}
			if code, _ := get(t, w, "/v1/trial-balance"); code != http.StatusUnauthorized {
				t.Errorf("after a plan that was refused: %d", code)
			}
		})
	}
}

func TestEveryOperationSaysItsScope(t *testing.T) {
	w, _ := newWorker(t, RoleRouter, RoleSettler)
	_, body := get(t, w, "/openapi.json")
	var described struct {
		Paths map[string]map[string]struct {
			Security []map[string][]string `json:"security"`
		} `json:"paths"`
		Components struct {
			SecuritySchemes map[string]struct{ Scheme string } `json:"securitySchemes"`
		} `json:"components"`
	}
	if err := json.Unmarshal([]byte(body), &described); err != nil {
		t.Fatal(err)
	}
	if described.Components.SecuritySchemes["bearer"].Scheme != "bearer" || len(described.Paths) < 10 {
		t.Errorf("%d paths, schemes %v", len(described.Paths), described.Components.SecuritySchemes)
	}
	for path, methods := range described.Paths {
		for method, op := range methods {
			if len(op.Security) != 3 || len(op.Security[0]["bearer"]) != 1 || len(op.Security[1]["certificate"]) != 1 {
				t.Errorf("%s %s: %v", method, path, op.Security)
			}
		}
	}
	if code, page := get(t, w, "/docs"); code != http.StatusOK || !strings.Contains(page, "scope payments:write") {
		t.Errorf("the page does not say scopes: %d", code)
	}
}
