package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxRequest bounds what a simulated provider reads.
const maxRequest = 1 << 20

// call is one request while a provider works on it.
type call struct {
	*http.Request
	provider string
	body     []byte
	now      time.Time
	faults   Faults
}

// reply is what the provider answers.
type reply struct {
	status int
	header http.Header
	body   []byte
	// cut closes the connection instead.
	cut bool
}

func jsonReply(status int, v any) reply {
	b, err := json.Marshal(v)
	if err != nil {
		return reply{status: http.StatusInternalServerError}
	}
	return reply{status: status, body: b}
}

// protocol is what differs between providers.
type protocol struct {
	name string
	// authenticate refuses requests that are not signed as they must be; nil lets them pass.
	authenticate func(*call) *reply
	// broken is the provider's own way of saying that it failed: nothing is known of the request.
	broken func(*call) reply
	// seal finishes an answer, such as by signing it; may be nil.
	seal func(*call, *reply)
}

// serve wraps a provider's handler with everything that goes wrong around it.
func (s *Simulator) serve(p protocol, handle func(*call) reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{Request: r, provider: p.name, now: s.options.Clock(), faults: s.FaultsOf(p.name)}
		throw := s.throws.Add(1)
		hit := func(kind string, bps int64) bool { return bps > 0 && s.dice(p.name, kind, "", throw) < bps }
		var answer reply
		var err error
		if c.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest)); err != nil {
			answer = reply{status: http.StatusRequestEntityTooLarge}
		} else if c.faults.Outage {
			answer = reply{status: http.StatusServiceUnavailable, body: []byte("upstream unavailable\n")}
		} else if hit("error", c.faults.ErrorBps) {
			answer = s.lost(p, c, "error", throw)
		} else {
			if refused := p.authenticate(c); refused != nil {
				answer = *refused
			} else {
				answer = handle(c)
			}
			if p.seal != nil {
				p.seal(c, &answer)
			}
			if hit("malformed", c.faults.MalformedBps) {
				answer.body = malformed(answer.body, s.dice(p.name, "malformation", "", throw))
			}
		}
		delay := c.faults.Latency.D()
		if j := c.faults.Jitter.D(); j > 0 {
			delay += j / 10000 * time.Duration(s.dice(p.name, "jitter", "", throw))
		}
		if hit("slow", c.faults.SlowBps) {
			delay += c.faults.Slow.D()
		}
		if delay > 0 {
			t := time.NewTimer(delay)
			defer t.Stop()
			select {
			case <-t.C:
			case <-r.Context().Done():
				return
			}
		}
		answer.write(w)
	}
}

func (a reply) write(w http.ResponseWriter) {
	if a.cut {
		// The server closes the connection without an answer.
		panic(http.ErrAbortHandler)
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if w.Header().Get("Content-Type") == "" && json.Valid(a.body) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the peer may be gone
}

// lost is an answer from which nothing can be learned: a cut connection, a gateway's error, or the provider's own.
func (s *Simulator) lost(p protocol, c *call, kind string, throw uint64) reply {
	switch s.dice(p.name, kind+" how", "", throw) % 3 {
	case 0:
		return reply{cut: true}
	case 1:
		return reply{status: http.StatusBadGateway, body: []byte("<html><body>502 Bad Gateway</body></html>")}
	default:
		r := p.broken(c)
		if p.seal != nil {
			p.seal(c, &r)
		}
		return r
	}
}

// malformed spoils an answer: cut short, something else, or too much.
func malformed(b []byte, dice int64) []byte {
	switch dice % 3 {
	case 0:
		return b[:len(b)/2]
	case 1:
		return []byte(`<html>maintenance</html>`)
	default:
		return append(bytes.TrimSuffix(b, []byte("}")), append(bytes.Repeat([]byte(" "), 2<<20), '}')...)
	}
}

// decode reads the request strictly: one JSON value, no field that is not known, none twice in another case.
func (c *call) decode(v any) error {
	if ct := c.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
		return fmt.Errorf("Content-Type %q: want application/json", ct)
	}
	dec := json.NewDecoder(bytes.NewReader(c.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("data after the end of the request")
	}
	return nil
}

func (c *call) digest() [32]byte { return sha256.Sum256(c.body) }

// ref is a new name of the provider's for an instruction.
func (s *Simulator) ref(prefix string, now time.Time) string {
	return fmt.Sprintf("%s%s%08d", prefix, now.UTC().Format("20060102"), s.ids.Add(1))
}
