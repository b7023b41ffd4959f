package router

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/settle"
	"qiantang.dev/rails/pkg/client"
)

func (r *Router) registerViews(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-corridors", Method: http.MethodGet, Path: "/v1/corridors", Tags: []string{"region"},
		Summary: "Corridors as served, with the plan's revision",
	}, func(context.Context, *struct{}) (*struct{ Body client.CorridorList }, error) {
		list, prob := r.corridorList()
		if prob != nil {
			return nil, httpError(prob)
		}
		return &struct{ Body client.CorridorList }{*list}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "summary", Method: http.MethodGet, Path: "/v1/summary", Tags: []string{"region"},
		Summary: "All payments, added up by corridor, provider and rail", Description: "Reads every payment: for reports, not for polling.",
	}, func(ctx context.Context, _ *struct{}) (*struct{ Body client.Summary }, error) {
		sum, err := r.summary(ctx)
		if err != nil {
			return nil, httpError(r.classify(err))
		}
		return &struct{ Body client.Summary }{*sum}, nil
	})
}

func (r *Router) corridorList() (*client.CorridorList, *client.Problem) {
	s := r.snap.Load()
	if s == nil {
		return nil, unavailable(codeNotReady, "no plan to serve yet", 0)
	}
	list := &client.CorridorList{Institution: s.region.Institution, Region: s.region.Name, Revision: s.region.Revision, Corridors: []client.Corridor{}}
	for _, c := range s.region.Corridors {
		entry := client.Corridor{
			Name: c.Name, Generation: c.Generation, Source: c.SourceCountry + "/" + c.SourceCurrency,
			Destination: c.DestinationCountry + "/" + c.DestinationCurrency, Draining: c.Draining, Strategy: c.Strategy,
			Providers: []string{}, Rails: append([]string{}, c.Rails...), Schedule: c.Schedule, Conversions: c.Conversion,
		}
		for _, p := range c.Providers {
			entry.Providers = append(entry.Providers, p.Name)
		}
		list.Corridors = append(list.Corridors, entry)
	}
	return list, nil
}

// listInput selects a page of payments or conversions.
type listInput struct {
	Cursor   string `query:"cursor" maxLength:"64" doc:"The next of the page before; empty for the first"`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Corridor string `query:"corridor" maxLength:"63"`
	Status   string `query:"status" enum:"accepted,instructing,exchanged,pending,uncertain,paid,rejected,cancelled,returned" doc:"As recorded: settled payments are found as paid"`
}

func (r *Router) list(ctx context.Context, in *listInput) (*struct{ Body client.PaymentList }, error) {
	page := client.PaymentList{Payments: []client.Payment{}}
	var err error
	page.Next, err = r.page(ctx, kindPayment, in, func(p *payment) { page.Payments = append(page.Payments, *r.derived(ctx, p)) })
	if err != nil {
		return nil, err
	}
	return &struct{ Body client.PaymentList }{page}, nil
}

// page reads a page of payments or conversions, and gives the next one's cursor. Errors are huma's.
func (r *Router) page(ctx context.Context, kind string, in *listInput, add func(*payment)) (string, error) {
	if in.Cursor != "" {
		if _, err := uuid.Parse(in.Cursor); err != nil {
			return "", httpError(invalid(field("query.cursor", in.Cursor, "not a cursor that a page gave")))
		}
	}
	recs, err := r.ledger.Records(ctx, ledger.RecordQuery{Kind: kind, Group: in.Corridor, State: in.Status, After: in.Cursor, Limit: in.Limit})
	if err != nil {
		return "", httpError(r.classify(err))
	}
	for _, rec := range recs {
		p, err := decodePayment(rec)
		if err != nil {
			return "", httpError(r.classify(err))
		}
		add(p)
	}
	if len(recs) == in.Limit {
		return recs[len(recs)-1].Key, nil
	}
	return "", nil
}

// derived is the payment as clients see it: paid is settled once its window is.
func (r *Router) derived(ctx context.Context, p *payment) *client.Payment {
	w := p.wire()
	if p.state == client.Paid && r.settled(ctx, p.Window) {
		w.Status = client.Settled
	}
	return w
}

// settled says whether a window has settled; once it has, that stays so. Where the ledger does not answer, it has not.
func (r *Router) settled(ctx context.Context, window string) bool {
	if window == "" {
		return false
	}
	if _, ok := r.windows.Load(window); ok {
		return true
	}
	rec, err := r.ledger.Record(ctx, settle.KindWindow, window)
	if err != nil {
		var missing *ledger.NotFoundError
		if !errors.As(err, &missing) && ctx.Err() == nil {
			r.log.Error(err, "window cannot be read", "window", window)
		}
		return false
	}
	if rec.State != settle.StateSettled {
		return false
	}
	r.windows.Store(window, struct{}{})
	return true
}

// quote says what a payment would cost.
func (r *Router) quote(ctx context.Context, req *client.QuoteRequest) (*client.Quote, *client.Problem) {
	s := r.snap.Load()
	if s == nil {
		return nil, unavailable(codeNotReady, "no plan to serve yet", 0)
	}
	c, ok := s.corridors[req.Corridor]
	if !ok {
		return nil, invalid(field("body.corridor", req.Corridor, "no such corridor in region %s", s.region.Name))
	}
	var check checker
	amount, _ := check.amount("amount", req.Amount, money.Currency(c.plan.SourceCurrency))
	check.purpose(req.Purpose, c.plan)
	check.metadata(req.Metadata)
	if req.Country == "" {
		req.Country = c.plan.DestinationCountry
	} else if check.country("beneficiaryCountry", req.Country) && req.Country != c.plan.DestinationCountry {
		check.add("beneficiaryCountry", req.Country, "the corridor pays to %s", c.plan.DestinationCountry)
	}
	if check.errs != nil {
		return nil, invalid(check.errs...)
	}
	p := &payment{ID: uuid.New(), Amount: sum{amount}, Purpose: req.Purpose, Metadata: req.Metadata, Beneficiary: client.Party{Country: req.Country}}
	found, refused, err := r.decide(ctx, s, c, p, nil)
	if err != nil {
		return nil, r.classify(err)
	}
	q := &client.Quote{Corridor: c.plan.Name, Amount: p.Amount.wire(), Routes: []client.Route{}}
	if refused != nil {
		q.Denied = &refused.Reason
		return q, nil
	}
	q.Routes, q.Skipped = routesWire(s, found)
	if d := found.decision.Denied; d != nil {
		q.Denied = &client.Reason{Code: d.Code, Detail: d.Detail}
	}
	return q, nil
}

func schemaOf[T any](registry huma.Registry) *huma.Schema {
	return registry.Schema(reflect.TypeFor[T](), true, "")
}

func statusText(status int) string { return strconv.Itoa(status) }
