package router

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"qiantang.dev/rails/pkg/client"
)

// Bounds of request bodies, in bytes.
const (
	maxPaymentBody = 64 << 10
	maxSmallBody   = 16 << 10
	maxISOBody     = 32 << 20
)

// keyed is a write's input: a key, and the body as it was sent.
type keyed struct {
	Key     string `header:"Idempotency-Key" required:"true" doc:"Your key, at most 128 characters of printable ASCII. The same key with the same body gets the same answer, for ever." example:"invoice-2026-0042"`
	RawBody []byte `contentType:"application/json"`
}

// stored is an answer as it was made durable.
type stored struct {
	Status      int
	ContentType string `header:"Content-Type"`
	Location    string `header:"Location"`
	Replayed    string `header:"Idempotency-Replayed" doc:"true where the request had been answered before"`
	Body        []byte
}

// Register adds the router's operations to api.
func (r *Router) Register(api huma.API) {
	r.registerPayments(api)
	r.registerRefunds(api)
	r.registerConversions(api)
	r.registerAccounts(api)
	r.registerBatches(api)
	r.registerISO(api)
	r.registerViews(api)
	r.registerEvents(api)
}

func (r *Router) registerPayments(api huma.API) {
	register[client.PaymentRequest, client.Payment](api, huma.Operation{
		OperationID: "create-payment", Method: http.MethodPost, Path: "/v1/payments", Tags: []string{"payments"},
		Summary:       "Make a payment",
		Description:   "Validates, prices, locks and books; answers 201 once that is durable. 422 with an `instance` is a recorded refusal; other problems recorded nothing.",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: maxPaymentBody, SkipValidateParams: true,
	}, func(ctx context.Context, in *keyed) (*stored, error) {
		var req client.PaymentRequest
		if prob := decodeRequest(in.RawBody, &req); prob != nil {
			return nil, httpError(prob)
		}
		a, prob := r.accept(ctx, in.Key, &req)
		return a.output("/v1/payments/", prob)
	})
	register[client.ReturnRequest, client.Payment](api, huma.Operation{
		OperationID: "return-payment", Method: http.MethodPost, Path: "/v1/payments/{id}/return", Tags: []string{"payments"},
		Summary:      "Book that the beneficiary's side sent the money back",
		Description:  "Reverses every booking of a paid payment by new ones that point at the old. Asked for again, it answers with the payment as it is.",
		MaxBodyBytes: maxSmallBody,
	}, func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"64"`
		RawBody []byte `contentType:"application/json"`
	}) (*struct{ Body client.Payment }, error) {
		var req client.ReturnRequest
		if prob := decodeStrict(in.RawBody, &req); prob != nil {
			return nil, httpError(prob)
		}
		var c checker
		c.code("code", req.Code, 4, 4, upperOrDigit, "an ISO 20022 external return reason, four capital letters and digits")
		c.text("detail", req.Detail, false, 140)
		if c.errs != nil {
			return nil, httpError(invalid(c.errs...))
		}
		p, err := r.giveBack(ctx, in.ID, client.Reason(req))
		return r.shown(ctx, p, err)
	})
	huma.Register(api, huma.Operation{
		OperationID: "cancel-payment", Method: http.MethodPost, Path: "/v1/payments/{id}/cancel", Tags: []string{"payments"},
		Summary: "Take back a payment that has not been instructed",
		Errors:  []int{http.StatusNotFound, http.StatusConflict},
	}, func(ctx context.Context, in *byID) (*struct{ Body client.Payment }, error) {
		p, err := r.cancel(ctx, kindPayment, in.ID, "cancelled by the client")
		return r.shown(ctx, p, err)
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-payment", Method: http.MethodGet, Path: "/v1/payments/{id}", Tags: []string{"payments"},
		Summary: "A payment as it stands", Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *byID) (*struct{ Body client.Payment }, error) {
		p, err := r.payment(ctx, in.ID)
		return r.shown(ctx, p, err)
	})
	huma.Register(api, huma.Operation{
		OperationID: "list-payments", Method: http.MethodGet, Path: "/v1/payments", Tags: []string{"payments"},
		Summary: "Payments, oldest first",
	}, r.list)
	register[client.QuoteRequest, client.Quote](api, huma.Operation{
		OperationID: "quote", Method: http.MethodPost, Path: "/v1/quotes", Tags: []string{"payments"},
		Summary: "What a payment would cost, over every route", MaxBodyBytes: maxSmallBody,
	}, func(ctx context.Context, in *struct {
		RawBody []byte `contentType:"application/json"`
	}) (*struct{ Body client.Quote }, error) {
		var req client.QuoteRequest
		if prob := decodeStrict(in.RawBody, &req); prob != nil {
			return nil, httpError(prob)
		}
		q, prob := r.quote(ctx, &req)
		if prob != nil {
			return nil, httpError(prob)
		}
		return &struct{ Body client.Quote }{*q}, nil
	})
}

type byID struct {
	ID string `path:"id" maxLength:"64" doc:"The payment's ID"`
}

// shown is a payment as an answer; err becomes a problem.
func (r *Router) shown(ctx context.Context, p *payment, err error) (*struct{ Body client.Payment }, error) {
	if err != nil {
		return nil, httpError(r.classify(err))
	}
	return &struct{ Body client.Payment }{*r.derived(ctx, p)}, nil
}

// output is the answer as huma sends it.
func (a answer) output(path string, prob *client.Problem) (*stored, error) {
	if prob != nil {
		return nil, httpError(prob)
	}
	out := &stored{Status: a.Status, ContentType: "application/json", Body: a.Body}
	if a.Status >= http.StatusBadRequest {
		out.ContentType = "application/problem+json"
	} else if a.Payment != "" {
		out.Location = path + a.Payment
	}
	if a.replayed {
		out.Replayed = "true"
	}
	return out, nil
}

// register is huma.Register for operations that read their body themselves, strictly: it documents the body as In and the answer as Out.
func register[In, Out, I, O any](api huma.API, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	if op.DefaultStatus == 0 {
		op.DefaultStatus = http.StatusOK
	}
	op.SkipValidateBody = true // its schema is put in below, for reading alone
	op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusConflict, http.StatusServiceUnavailable)
	huma.Register(api, op, handler)
	registry := api.OpenAPI().Components.Schemas
	item := api.OpenAPI().Paths[op.Path]
	if item == nil || item.Post == nil {
		return
	}
	item.Post.RequestBody.Required = true
	item.Post.RequestBody.Content = map[string]*huma.MediaType{"application/json": {Schema: schemaOf[In](registry)}}
	if resp := item.Post.Responses[statusText(op.DefaultStatus)]; resp != nil {
		resp.Content = map[string]*huma.MediaType{"application/json": {Schema: schemaOf[Out](registry)}}
	}
}
