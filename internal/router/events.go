package router

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"qiantang.dev/rails/pkg/client"
)

// Bounds of event streams.
const (
	maxReaders   = 256
	readerBehind = 1024
	keepAlive    = 15 * time.Second
)

// feed hands every step of a payment on this replica to who listens. A reader that is too slow is cut off, never waited for.
type feed struct {
	mu      sync.Mutex
	readers map[*reader]struct{}
}

type reader struct {
	payment string // empty: all
	events  chan *client.Payment
}

// publish hands p to its readers; it costs a lock where there are none. The feed is of payments: conversions are not in it.
func (f *feed) publish(p *payment) {
	if p.To != "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.readers) == 0 {
		return
	}
	var w *client.Payment
	id := p.ID.String()
	for r := range f.readers {
		if r.payment != "" && r.payment != id {
			continue
		}
		if w == nil {
			w = p.clone().wire()
		}
		select {
		case r.events <- w:
		default:
			delete(f.readers, r)
			close(r.events)
		}
	}
}

func (f *feed) subscribe(payment string) (*reader, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.readers) >= maxReaders {
		return nil, false
	}
	if f.readers == nil {
		f.readers = map[*reader]struct{}{}
	}
	r := &reader{payment: payment, events: make(chan *client.Payment, readerBehind)}
	f.readers[r] = struct{}{}
	return r, true
}

func (f *feed) leave(r *reader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.readers, r)
}

// close ends every stream.
func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for r := range f.readers {
		delete(f.readers, r)
		close(r.events)
	}
}

func (r *Router) registerEvents(api huma.API) {
	responses := func() map[string]*huma.Response {
		return map[string]*huma.Response{"200": {
			Description: "Server-sent events: event is the payment's new status, data the payment",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}}
	}
	huma.Register(api, huma.Operation{
		OperationID: "events", Method: http.MethodGet, Path: "/v1/events", Tags: []string{"payments"},
		Summary:     "Every payment after each of its steps, as it happens",
		Description: "From this replica alone, and not kept: a reader that was away lists the payments.",
		Responses:   responses(), Errors: []int{http.StatusServiceUnavailable},
	}, func(context.Context, *struct{}) (*huma.StreamResponse, error) {
		return r.stream("", nil)
	})
	huma.Register(api, huma.Operation{
		OperationID: "payment-events", Method: http.MethodGet, Path: "/v1/payments/{id}/events", Tags: []string{"payments"},
		Summary:     "A payment as it stands, and then after each of its steps on this replica",
		Description: "The stream ends with the payment's work: once it is paid, rejected, cancelled or returned.",
		Responses:   responses(), Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *byID) (*huma.StreamResponse, error) {
		return r.stream(in.ID, func() (*client.Payment, error) {
			p, err := r.payment(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return r.derived(ctx, p), nil
		})
	})
}

// stream subscribes before it reads how the payment stands, so that no step falls between.
func (r *Router) stream(id string, now func() (*client.Payment, error)) (*huma.StreamResponse, error) {
	listener, ok := r.feed.subscribe(id)
	if !ok {
		return nil, httpError(unavailable(codeBusy, fmt.Sprintf("%d readers listen already", maxReaders), 10*time.Second))
	}
	var first *client.Payment
	if now != nil {
		var err error
		if first, err = now(); err != nil {
			r.feed.leave(listener)
			return nil, httpError(r.classify(err))
		}
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer r.feed.leave(listener)
		ctx.SetHeader("Content-Type", "text/event-stream")
		ctx.SetHeader("Cache-Control", "no-store")
		ctx.SetStatus(http.StatusOK)
		send := sender(ctx)
		if first == nil {
			if send(": listening\n\n") != nil {
				return
			}
		} else if sendPayment(send, first) != nil || !working(first.Status) {
			return
		}
		tick := time.NewTicker(keepAlive)
		defer tick.Stop()
		for {
			select {
			case p, more := <-listener.events:
				if !more || sendPayment(send, p) != nil || id != "" && !working(p.Status) {
					return
				}
			case <-tick.C:
				if send(": still here\n\n") != nil {
					return
				}
			case <-ctx.Context().Done():
				return
			}
		}
	}}, nil
}

// sender writes and flushes, and lets the server's time limits run anew each time.
func sender(ctx huma.Context) func(string) error {
	w := ctx.BodyWriter()
	var control *http.ResponseController
	if rw, ok := w.(http.ResponseWriter); ok {
		control = http.NewResponseController(rw)
	}
	return func(s string) error {
		if control != nil {
			later := time.Now().Add(2 * keepAlive)
			_ = control.SetWriteDeadline(later) // not every writer has deadlines; then the server's own hold
			_ = control.SetReadDeadline(later)
		}
		if _, err := w.Write([]byte(s)); err != nil || control == nil {
			return err
		}
		return control.Flush()
	}
}

func sendPayment(send func(string) error, p *client.Payment) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return send(fmt.Sprintf("event: %s\nid: %s/%d\ndata: %s\n\n", p.Status, p.ID, p.Updated.UnixMicro(), b))
}
