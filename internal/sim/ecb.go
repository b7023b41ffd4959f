package sim

import "net/http"

// ecbRoutes serves the reference rates as the ECB does.
func (s *Simulator) ecbRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /ecb/eurofxref-hist.csv", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		_ = s.market.WriteCSV(w) // the peer may be gone
	})
	mux.HandleFunc("GET /ecb/eurofxref-daily.xml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		_ = s.market.WriteXML(w) // the peer may be gone
	})
}
