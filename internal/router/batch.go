package router

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/pkg/client"
)

// Bounds of a batch. What is under way at once is what a group commit is made of.
const (
	batchAhead   = 256
	maxBatchLine = 64 << 10
	// batchIdle is how long a client may neither send a line nor take a result.
	batchIdle = 30 * time.Second
)

// csvHeader is a batch's columns; any order, and those after amount may be left out.
var csvHeader = []string{"id", "corridor", "account", "currency", "amount", "beneficiary_name", "beneficiary_country",
	"beneficiary_account", "beneficiary_bic", "purpose", "reference"}

const (
	typeCSV    = "text/csv"
	typeNDJSON = "application/x-ndjson"
)

func (r *Router) registerBatches(api huma.API) {
	registry := api.OpenAPI().Components.Schemas
	lines := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Description: "One BatchLine per line"}}
	schemaOf[batchLine](registry)
	schemaOf[client.BatchResult](registry)
	huma.Register(api, huma.Operation{
		OperationID: "create-batch", Method: http.MethodPost, Path: "/v1/batches", Tags: []string{"payments"},
		Summary: "Make many payments in one call",
		Description: "Lines are read, made and answered as they come, each on its own and in order: one BatchResult per line, as NDJSON. " +
			"A line's id is its idempotency key, so a batch that was cut off may be sent again whole. CSV columns: " + strings.Join(csvHeader, ", ") + ".",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			typeNDJSON: lines,
			typeCSV:    {Schema: &huma.Schema{Type: huma.TypeString}},
		}},
		Responses: map[string]*huma.Response{"200": {
			Description: "A BatchResult per line",
			Content:     map[string]*huma.MediaType{typeNDJSON: {Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
		BodyReadTimeout: -1, MaxBodyBytes: -1,
		Errors: []int{http.StatusBadRequest, http.StatusUnsupportedMediaType},
	}, func(_ context.Context, in *struct {
		ContentType string `header:"Content-Type"`
	}) (*huma.StreamResponse, error) {
		kind, _, err := mime.ParseMediaType(in.ContentType)
		if err != nil || kind != typeCSV && kind != typeNDJSON {
			return nil, problem(http.StatusUnsupportedMediaType, codeMalformed, "want "+typeNDJSON+" or "+typeCSV,
				field("header.Content-Type", in.ContentType, "not a batch's type"))
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) { r.serveBatch(ctx, kind) }}, nil
	})
}

// batchLine is one line of an NDJSON batch: a payment and its idempotency key.
type batchLine struct {
	ID string `json:"id" doc:"The payment's idempotency key" maxLength:"128"`
	client.PaymentRequest
}

// serveBatch reads and answers at the same time.
func (r *Router) serveBatch(ctx huma.Context, kind string) {
	var flush func() error
	if w, ok := ctx.BodyWriter().(http.ResponseWriter); ok {
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex() // HTTP/2 is so by itself
		flush = func() error {
			later := time.Now().Add(batchIdle)
			_ = control.SetReadDeadline(later) // not every writer has deadlines; then the server's own hold
			_ = control.SetWriteDeadline(later)
			return control.Flush()
		}
	}
	ctx.SetHeader("Content-Type", typeNDJSON)
	ctx.SetStatus(http.StatusOK)
	if flush != nil && flush() != nil { // headers go out, and the time limits begin
		return
	}
	if err := r.batch(ctx.Context(), kind, ctx.BodyReader(), ctx.BodyWriter(), flush); err != nil {
		r.log.V(1).Info("batch ended early", "reason", err.Error())
	}
}

// parsed is a line as it was read; prob says that it could not be.
type parsed struct {
	line int
	key  string
	req  *client.PaymentRequest
	prob *client.Problem
	// kept is recorded beside the payment.
	kept []ledger.Put
}

// batch makes a payment of each line of in and writes the results to out in order, with at most batchAhead lines under way. A
// reader error ends it with a last result that says so.
func (r *Router) batch(ctx context.Context, kind string, in io.Reader, out io.Writer, flush func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan chan result, batchAhead)
	go func() {
		defer close(queue)
		for l := range readLines(kind, in) {
			answer := make(chan result, 1)
			select {
			case queue <- answer:
			case <-ctx.Done():
				return
			}
			go func() { answer <- r.batchResult(ctx, l) }()
		}
	}()
	buffered := bufio.NewWriterSize(out, 32<<10)
	enc := json.NewEncoder(buffered)
	for {
		if len(queue) == 0 { // what is known is sent before more is waited for
			if err := flushAll(buffered, flush); err != nil {
				return err
			}
		}
		answer, more := <-queue
		if !more {
			return flushAll(buffered, flush)
		}
		if len(answer) == 0 {
			if err := flushAll(buffered, flush); err != nil {
				return err
			}
		}
		if err := enc.Encode(<-answer); err != nil {
			return err
		}
	}
}

func flushAll(b *bufio.Writer, flush func() error) error {
	if b.Buffered() == 0 {
		return nil
	}
	if err := b.Flush(); err != nil || flush == nil {
		return err
	}
	return flush()
}

// result is a client.BatchResult whose payment or problem is written as it was made durable.
type result struct {
	Line    int             `json:"line"`
	Key     string          `json:"id,omitempty"`
	Code    int             `json:"code"`
	Payment json.RawMessage `json:"payment,omitempty"`
	Problem json.RawMessage `json:"problem,omitempty"`
}

// batchTries is how often a line that may be sent again is, before its client is told to.
const batchTries = 6

func (r *Router) batchResult(ctx context.Context, l parsed) result {
	res := result{Line: l.line, Key: l.key}
	prob := l.prob
	if prob == nil {
		var a answer
		a, prob = r.accept(ctx, l.key, l.req, l.kept...)
		for try := 0; prob != nil && prob.Status == http.StatusServiceUnavailable && try < batchTries && pause(ctx, r.delay(try)); try++ {
			a, prob = r.accept(ctx, l.key, l.req, l.kept...)
		}
		switch res.Code = a.Status; {
		case prob != nil:
		case a.Status >= http.StatusBadRequest:
			res.Problem = a.Body
		default:
			res.Payment = a.Body
		}
	}
	if prob != nil {
		res.Code = prob.Status
		body, err := json.Marshal(prob)
		if err != nil { // a value that JSON cannot hold: say so without it
			body = []byte(`{"title":"problem cannot be shown"}`)
		}
		res.Problem = body
	}
	return res
}
