package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/pkg/client"
)

// A conversion is a payment to the owner's own account: the same record, life, route choice and bookings, under a kind of its own. Its last
// instruction converts, where a payment's pays out too.

func (r *Router) registerConversions(api huma.API) {
	register[client.ConversionRequest, client.Conversion](api, huma.Operation{
		OperationID: "create-conversion", Method: http.MethodPost, Path: "/v1/conversions", Tags: []string{"conversions"},
		Summary: "Convert a customer's own money into the same owner's account in another currency",
		Description: "Over a corridor for conversions, whose destination's currency says which account is credited. Prices, locks and books; answers 201 once that is " +
			"durable. 422 with an `instance` is a recorded refusal; other problems recorded nothing.",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: maxSmallBody, SkipValidateParams: true,
	}, func(ctx context.Context, in *struct {
		Key     string `header:"Idempotency-Key" required:"true" doc:"As for payments; conversions' keys are a name space of their own"`
		RawBody []byte `contentType:"application/json"`
	}) (*stored, error) {
		var req client.ConversionRequest
		if prob := decodeStrict(in.RawBody, &req); prob != nil {
			return nil, httpError(prob)
		}
		a, prob := r.convert(ctx, in.Key, &req)
		return a.output("/v1/conversions/", prob)
	})
	type one struct{ Body client.Conversion }
	type conversionID struct {
		ID string `path:"id" maxLength:"64" doc:"The conversion's ID"`
	}
	shown := func(ctx context.Context, p *payment, err error) (*one, error) {
		if err != nil {
			return nil, httpError(r.classify(err))
		}
		return &one{*r.derivedConversion(ctx, p)}, nil
	}
	huma.Register(api, huma.Operation{
		OperationID: "get-conversion", Method: http.MethodGet, Path: "/v1/conversions/{id}", Tags: []string{"conversions"},
		Summary: "A conversion as it stands", Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *conversionID) (*one, error) {
		p, err := r.read(ctx, kindConversion, in.ID)
		return shown(ctx, p, err)
	})
	huma.Register(api, huma.Operation{
		OperationID: "cancel-conversion", Method: http.MethodPost, Path: "/v1/conversions/{id}/cancel", Tags: []string{"conversions"},
		Summary: "Take back a conversion that has not been instructed", Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, func(ctx context.Context, in *conversionID) (*one, error) {
		p, err := r.cancel(ctx, kindConversion, in.ID, "cancelled by the client")
		return shown(ctx, p, err)
	})
	huma.Register(api, huma.Operation{
		OperationID: "list-conversions", Method: http.MethodGet, Path: "/v1/conversions", Tags: []string{"conversions"},
		Summary: "Conversions, oldest first",
	}, func(ctx context.Context, in *listInput) (*struct{ Body client.ConversionList }, error) {
		page := client.ConversionList{Conversions: []client.Conversion{}}
		var err error
		page.Next, err = r.page(ctx, kindConversion, in, func(p *payment) {
			page.Conversions = append(page.Conversions, *r.derivedConversion(ctx, p))
		})
		if err != nil {
			return nil, err
		}
		return &struct{ Body client.ConversionList }{page}, nil
	})
}

// convert takes a conversion as accept takes a payment.
func (r *Router) convert(ctx context.Context, key string, req *client.ConversionRequest) (answer, *client.Problem) {
	started := r.clock()
	if errs := checkKey(key); errs != nil {
		return answer{}, invalid(errs...)
	}
	hash, err := digest(req)
	if err != nil {
		return answer{}, r.classify(err)
	}
	return r.acceptAs(ctx, kindConversion+":"+key, hash, started, nil, func(ctx context.Context, s *snapshot, recordKey string) (*payment, *corridor, *client.Problem) {
		return r.newConversion(ctx, s, recordKey, req)
	})
}

// newConversion makes a conversion of a request, or says everything that is wrong with it.
func (r *Router) newConversion(ctx context.Context, s *snapshot, recordKey string, req *client.ConversionRequest) (*payment, *corridor, *client.Problem) {
	c, prob := s.asked(req.Corridor)
	if prob != nil {
		return nil, nil, prob
	}
	if !c.plan.Conversion {
		return nil, nil, invalid(field("body.corridor", req.Corridor, "is for payments, not conversions"))
	}
	var check checker
	check.customer("account", req.Account, c.plan.SourceCurrency)
	amount, _ := check.amount("amount", req.Amount, money.Currency(c.plan.SourceCurrency))
	check.text("reference", req.Reference, false, 140)
	check.metadata(req.Metadata)
	if check.errs != nil {
		return nil, nil, invalid(check.errs...)
	}
	if prob := c.taking("conversions"); prob != nil {
		return nil, nil, prob
	}
	from, prob := r.customer(ctx, req.Account, "body.account", req.Account, "no such account")
	if prob != nil {
		return nil, nil, prob
	}
	to, prob := r.customer(ctx, "customer:"+from.Owner+":"+c.plan.DestinationCurrency, "body.account", req.Account,
		"owner %s has no account in %s to convert into: open it first", from.Owner, c.plan.DestinationCurrency)
	if prob != nil {
		return nil, nil, prob
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, nil, r.classify(fmt.Errorf("conversion id: %w", err))
	}
	now := r.now()
	return &payment{
		ID: id, UETR: uuid.New(), Key: recordKey, Corridor: c.plan.Name, Generation: c.plan.Generation, Names: namesTogether,
		Account: from.ID, Owner: from.Owner, Participant: from.Participant, To: to.ID, ToParticipant: to.Participant, Schedule: c.plan.Schedule,
		Amount: sum{amount}, Beneficiary: client.Party{Country: c.plan.DestinationCountry}, Reference: req.Reference, Metadata: req.Metadata,
		Created: now, Updated: now, state: received,
	}, c, nil
}

// customer is a customer's account; where there is none, the problem says so of a field.
func (r *Router) customer(ctx context.Context, id, where string, value any, format string, args ...any) (ledger.Account, *client.Problem) {
	a, err := r.account(ctx, id)
	var missing *ledger.NotFoundError
	if errors.As(err, &missing) {
		return a, invalid(field(where, value, format, args...))
	}
	if err != nil {
		return a, r.classify(err)
	}
	return a, nil
}

// encodeAnswer is what a client is answered with once p is durable.
func (p *payment) encodeAnswer() ([]byte, error) {
	if p.To != "" {
		return json.Marshal(p.conversion())
	}
	return p.encodeWire()
}

// encodeEvent is what webhooks are sent after a step.
func (p *payment) encodeEvent(event string) ([]byte, error) {
	kind, at := p.kind()+"."+event, p.Updated
	if p.To != "" {
		return json.Marshal(client.ConversionEvent{Type: kind, Timestamp: at, Data: *p.conversion()})
	}
	return json.Marshal(client.WebhookEvent{Type: kind, Timestamp: at, Data: *p.wire()})
}

// conversion is a conversion as clients see it.
func (p *payment) conversion() *client.Conversion {
	w := p.wire()
	return &client.Conversion{
		ID: w.ID, Status: w.Status, Corridor: w.Corridor, Account: w.Account, To: p.To, Amount: w.Amount, Reference: w.Reference, Metadata: w.Metadata,
		Route: w.Route, Attempt: w.Attempt, Reason: w.Reason, Window: w.Window, ProviderRef: w.ProviderRef, Created: w.Created, Updated: w.Updated,
	}
}

// derivedConversion is conversion with what follows from its window.
func (r *Router) derivedConversion(ctx context.Context, p *payment) *client.Conversion {
	w := p.conversion()
	w.Status = r.derived(ctx, p).Status
	return w
}

// customer checks that v is a customer's account in a currency.
func (c *checker) customer(path, v, currency string) {
	if !c.text(path, v, true, 128) {
		return
	}
	owner, ok := strings.CutPrefix(v, "customer:")
	if !ok || !strings.HasSuffix(owner, ":"+currency) {
		c.add(path, v, "want a customer's account in the corridor's source currency: customer:<owner>:%s", currency)
	}
}
