package sim

import (
	"encoding/json"
	"fmt"
	"net/http"

	"qiantang.dev/rails/internal/sim/judge"
)

// ofxMost is how many payouts one request may carry, by the contract.
const ofxMost = 100

// ofxPayouts takes payouts one by one, each as if it had come alone. Where the answer to one of them is lost, the others' may be too.
func (s *Simulator) ofxPayouts(p protocol, c *call) reply {
	var q struct {
		Payouts []struct {
			ID     string          `json:"id"`
			Payout json.RawMessage `json:"payout"`
		} `json:"payouts"`
	}
	if err := c.decode(&q); err != nil {
		return ofxInvalid(err)
	}
	if n := len(q.Payouts); n == 0 || n > ofxMost {
		return ofxInvalid(fmt.Errorf("payouts: %d, want 1 to %d", n, ofxMost))
	}
	seen := make(map[string]bool, len(q.Payouts))
	for i, item := range q.Payouts {
		if seen[item.ID] {
			return ofxInvalid(fmt.Errorf("payouts[%d].id %q: is there twice", i, item.ID))
		}
		seen[item.ID] = true
	}
	out := append(make([]byte, 0, 256*len(q.Payouts)), `{"results":[`...)
	gone := false
	for i, item := range q.Payouts {
		one := *c
		one.body = item.Payout
		r, ok := s.ofxInstruct(&one, item.ID, judge.Payout)
		if !ok {
			gone = gone || s.dice(p.name, "all answers", item.ID, s.throws.Add(1)) < 3000
			r = ofxProblem(http.StatusServiceUnavailable, "unavailable", "not known yet")
		}
		if i > 0 {
			out = append(out, ',')
		}
		if r.status == http.StatusOK {
			out = append(out, r.body...)
			continue
		}
		id, err := json.Marshal(item.ID)
		if err != nil {
			return reply{status: http.StatusInternalServerError}
		}
		out = append(append(out, `{"id":`...), id...)
		out = append(append(append(out, `,"problem":`...), r.body...), '}')
	}
	if gone {
		return s.lost(p, c, "unknown of many", s.throws.Add(1))
	}
	return reply{status: http.StatusOK, body: append(out, "]}"...)}
}
