package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/internal/sim/judge"
)

// Simulator is `qiantang sim` in a process of its own.
type Simulator struct {
	*Process
	// URL it serves below.
	URL string
	// Credentials by adapter.
	Credentials map[string]map[string][]byte
}

// StartSimulator starts one whose keys are in the folder keys, made where missing.
func StartSimulator(ctx context.Context, program, keys string) (*Simulator, error) {
	own, err := sim.New(sim.Options{Keys: keys}) // makes the keys, and so that we know them
	if err != nil {
		return nil, err
	}
	address, err := FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	p, err := Start("simulator", program, "sim", "--listen", address, "--keys", keys, "--quote-validity", "5m")
	if err != nil {
		return nil, err
	}
	s := &Simulator{Process: p, URL: "http://" + address, Credentials: own.Credentials()}
	ready, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := p.Await(ready, s.URL+"/readyz"); err != nil {
		p.Kill()
		return nil, err
	}
	return s, nil
}

// Misbehave replaces a provider's faults.
func (s *Simulator) Misbehave(ctx context.Context, provider string, f sim.Faults) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return s.admin(ctx, http.MethodPut, "/admin/faults/"+provider, body, nil)
}

// Report is the simulator's judgement on all that it was told to pay.
func (s *Simulator) Report(ctx context.Context) (judge.Report, error) {
	var r judge.Report
	return r, s.admin(ctx, http.MethodGet, "/admin/report", nil, &r)
}

func (s *Simulator) admin(ctx context.Context, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusBadRequest {
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, said)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
