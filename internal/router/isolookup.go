package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/pkg/client"
)

// Kinds of the records that messages leave.
const (
	// kindUETR is which payment has a UETR that was not made here, by the UETR.
	kindUETR = "uetr"
	// kindReceived is the pacs.008 that a payment came by, by the payment's idempotency record.
	kindReceived = "received"
	// kindReturn is the pacs.004 that returned a payment, and kindRecall the first camt.056 that asked for it, by the payment's ID.
	kindReturn = "return"
	kindRecall = "recall"
)

// uetrOf makes a payment's UETR of its ID, so that one is found by the other without a record: a UUID of version 4 has as many bits of its
// own as one of version 7.
func uetrOf(id uuid.UUID) uuid.UUID {
	id[6] = id[6]&0x0f | 0x40
	return id
}

// idOf is the ID that uetrOf would have made a UETR of.
func idOf(uetr uuid.UUID) uuid.UUID {
	uetr[6] = uetr[6]&0x0f | 0x70
	return uetr
}

// claimUETR makes sure that a UETR that the request brought is no other payment's; p claims it when it is accepted.
func (r *Router) claimUETR(ctx context.Context, p *payment, uetr string) *client.Problem {
	if uetr == "" {
		return nil
	}
	other, err := r.paymentOf(ctx, uetr)
	if err != nil {
		return r.classify(err)
	}
	if other != nil {
		return problem(http.StatusConflict, codeUETR, fmt.Sprintf("payment %s has UETR %s already", other.ID, uetr), field("body.uetr", uetr, "another payment's"))
	}
	body, err := json.Marshal(struct {
		Payment string `json:"payment"`
	}{p.ID.String()})
	if err != nil {
		return r.classify(err)
	}
	p.claims = append(p.claims, ledger.Put{Kind: kindUETR, Key: uetr, State: "taken", Group: p.Corridor, Body: body})
	return nil
}

// paymentOf is the accepted payment with a UETR, nil where there is none.
func (r *Router) paymentOf(ctx context.Context, uetr string) (*payment, error) {
	parsed, err := uuid.Parse(uetr)
	if err != nil {
		return nil, nil //nolint:nilerr // nobody's: there is no such payment
	}
	id := idOf(parsed).String()
	var claim struct {
		Payment string `json:"payment"`
	}
	switch found, err := r.kept(ctx, kindUETR, parsed.String(), &claim); {
	case err != nil:
		return nil, err
	case found:
		id = claim.Payment
	}
	p, err := r.maybe(ctx, id)
	if err != nil || p == nil || p.UETR != parsed {
		return nil, err
	}
	return p, nil
}

// meant is the payment that a message between agents means: by its UETR and, where we gave the instruction its ID, also by that. Nil
// where there is none.
func (r *Router) meant(ctx context.Context, uetr, instruction string) (*payment, error) {
	p, err := r.paymentOf(ctx, uetr)
	if err != nil || p != nil {
		return p, err
	}
	id, _, ok := parseInstruction(instruction)
	if !ok {
		return nil, nil
	}
	if p, err = r.maybe(ctx, id.String()); err != nil || p == nil || p.UETR.String() != uetr {
		return nil, err
	}
	return p, nil
}

// maybe is a payment, nil where there is none.
func (r *Router) maybe(ctx context.Context, id string) (*payment, error) {
	p, err := r.payment(ctx, id)
	var missing *ledger.NotFoundError
	if errors.As(err, &missing) {
		return nil, nil
	}
	return p, err
}

// kept reads a record that a message left into v; false where there is none.
func (r *Router) kept(ctx context.Context, kind, key string, v any) (bool, error) {
	rec, err := r.ledger.Record(ctx, kind, key)
	var missing *ledger.NotFoundError
	if errors.As(err, &missing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(rec.Body, v); err != nil {
		return false, fmt.Errorf("record %s %s: %w", kind, key, err)
	}
	return true, nil
}

// inbound is the pacs.008 that a payment came by.
type inbound struct {
	// From is the participant that sent it, BIC how it called itself, and To how it called us.
	From string `json:"from"`
	BIC  string `json:"bic"`
	To   string `json:"to"`
	// Document is the message as it came.
	Document string `json:"document"`

	message *iso20022.Pacs008
}

// inboundOf is the pacs.008 that a payment came by, nil where it came otherwise.
func (r *Router) inboundOf(ctx context.Context, p *payment) (*inbound, error) {
	if !strings.HasPrefix(p.Key, "payment:"+pacs008Key) {
		return nil, nil
	}
	var in inbound
	found, err := r.kept(ctx, kindReceived, p.Key, &in)
	if err != nil || !found {
		return nil, err
	}
	if in.message, _, err = iso20022.ReadPacs008(in.Document); err != nil {
		return nil, fmt.Errorf("pacs.008 of payment %s: %w", p.ID, err)
	}
	return &in, nil
}
