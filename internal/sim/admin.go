package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"

	"qiantang.dev/rails/internal/sim/judge"
)

// adminRoutes are for who runs the simulator, not for the workers: what was paid, and how to misbehave.
func (s *Simulator) adminRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /admin/report", s.adminReport)
	mux.HandleFunc("GET /admin/payouts", s.adminPayouts)
	mux.HandleFunc("GET /admin/payouts/{id}", s.adminPayout)
	mux.HandleFunc("GET /admin/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.RLock()
		all := maps.Clone(s.faults)
		s.mu.RUnlock()
		writeJSON(w, http.StatusOK, all)
	})
	mux.HandleFunc("PUT /admin/faults/{provider}", func(w http.ResponseWriter, r *http.Request) { s.adminFaults(w, r, Faults{}) })
	mux.HandleFunc("PATCH /admin/faults/{provider}", func(w http.ResponseWriter, r *http.Request) {
		s.adminFaults(w, r, s.FaultsOf(r.PathValue("provider")))
	})
	mux.HandleFunc("GET /admin/clearing", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.clears.list()) })
	mux.HandleFunc("POST /admin/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.book.Reset()
		s.clears.reset()
		w.WriteHeader(http.StatusNoContent)
	})
}

// adminReport judges: ?provider= limits it, ?entries=true lists every payout.
func (s *Simulator) adminReport(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	writeJSON(w, http.StatusOK, s.book.Judge(s.options.Clock(), q.Get("provider"), q.Get("entries") == "true"))
}

// adminPayouts streams every payout as one JSON object a line.
func (s *Simulator) adminPayouts(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	now := s.options.Clock()
	for _, x := range s.book.All(r.URL.Query().Get("provider"), judge.Payout) {
		if enc.Encode(judge.EntryOf(x, now)) != nil {
			return
		}
	}
}

// adminPayout lists what every provider has under one ID of ours.
func (s *Simulator) adminPayout(w http.ResponseWriter, r *http.Request) {
	found := []judge.Entry{}
	for _, name := range []string{pingPong, lianLian, antom, openFX} {
		if x, ok := s.book.Find(judge.Key{Provider: name, Kind: judge.Payout, ID: r.PathValue("id")}); ok {
			found = append(found, judge.EntryOf(x, s.options.Clock()))
		}
	}
	status := http.StatusOK
	if len(found) == 0 {
		status = http.StatusNotFound
	}
	writeJSON(w, status, found)
}

// adminFaults sets a provider's faults: those sent, over those given.
func (s *Simulator) adminFaults(w http.ResponseWriter, r *http.Request, f Faults) {
	dec := json.NewDecoder(io.LimitReader(r.Body, maxRequest))
	dec.DisallowUnknownFields()
	err := dec.Decode(&f)
	if err == nil {
		err = s.SetFaults(r.PathValue("provider"), f)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": fmt.Sprint(err)})
		return
	}
	writeJSON(w, http.StatusOK, f)
}
