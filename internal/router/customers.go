package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/pkg/client"
)

func (r *Router) registerAccounts(api huma.API) {
	register[client.AccountRequest, client.Account](api, huma.Operation{
		OperationID: "open-account", Method: http.MethodPost, Path: "/v1/accounts", Tags: []string{"accounts"},
		Summary: "Open a customer's account in one currency", Description: "Opening it again as it is answers as the first time.",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: maxSmallBody,
	}, func(ctx context.Context, in *struct {
		RawBody []byte `contentType:"application/json"`
	}) (*struct{ Body client.Account }, error) {
		var req client.AccountRequest
		if prob := decodeStrict(in.RawBody, &req); prob != nil {
			return nil, httpError(prob)
		}
		a, prob := r.openAccount(ctx, &req)
		if prob != nil {
			return nil, httpError(prob)
		}
		return &struct{ Body client.Account }{*a}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-account", Method: http.MethodGet, Path: "/v1/accounts/{id}", Tags: []string{"accounts"},
		Summary: "An account and its balance", Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"128" example:"customer:acme:USD"`
	}) (*struct{ Body client.Account }, error) {
		account, err := r.ledger.Account(ctx, in.ID)
		if err != nil {
			return nil, httpError(r.classify(err))
		}
		a, err := r.standing(ctx, account)
		if err != nil {
			return nil, httpError(r.classify(err))
		}
		return &struct{ Body client.Account }{*a}, nil
	})
	register[client.DepositRequest, client.Deposit](api, huma.Operation{
		OperationID: "deposit", Method: http.MethodPost, Path: "/v1/deposits", Tags: []string{"accounts"},
		Summary: "Book money that came in for a customer", DefaultStatus: http.StatusCreated, MaxBodyBytes: maxSmallBody, SkipValidateParams: true,
	}, func(ctx context.Context, in *keyed) (*stored, error) {
		var req client.DepositRequest
		if prob := decodeStrict(in.RawBody, &req); prob != nil {
			return nil, httpError(prob)
		}
		a, prob := r.deposit(ctx, in.Key, &req)
		return a.output("", prob)
	})
}

// openAccount opens customer:<owner>:<currency>, a liability that may not go below zero or its credit line.
func (r *Router) openAccount(ctx context.Context, req *client.AccountRequest) (*client.Account, *client.Problem) {
	s := r.snap.Load()
	if s == nil {
		return nil, unavailable(codeNotReady, "no plan to serve yet", time.Second)
	}
	var c checker
	c.code("owner", req.Owner, 1, 64, func(b byte) bool {
		return upperOrDigit(b) || b >= 'a' && b <= 'z' || strings.IndexByte("._-", b) >= 0
	}, "1 to 64 letters, digits, '.', '_' or '-'")
	currency, err := money.ParseCurrency(req.Currency)
	if err != nil {
		c.add("currency", req.Currency, "%s", why(err))
	}
	participant := req.Participant
	if participant == "" {
		participant = s.region.Self
	} else if !knownParticipant(s, participant) {
		c.add("participant", participant, "no such participant in region %s", s.region.Name)
	}
	floor := int64(0)
	if req.CreditLine != "" && err == nil {
		line, err := money.ParseAmount(req.CreditLine, currency)
		if err != nil {
			c.add("creditLine", req.CreditLine, "%s", why(err))
		}
		floor = -line.Minor()
	}
	if c.errs != nil {
		return nil, invalid(c.errs...)
	}
	account := ledger.Account{
		ID: "customer:" + req.Owner + ":" + string(currency), Owner: req.Owner, Participant: participant,
		Type: ledger.Liability, Currency: currency, Floor: &floor,
	}
	_, err = r.ledger.Apply(ctx, ledger.Commit{Accounts: []ledger.Account{account}})
	var clash *ledger.ConflictError
	if errors.As(err, &clash) {
		return nil, problem(http.StatusConflict, codeAccount, "account "+account.ID+" exists with other terms: "+clash.Why,
			field("body.owner", req.Owner, "has an account in %s already", currency))
	}
	if err != nil {
		return nil, r.classify(fmt.Errorf("open account %s: %w", account.ID, err))
	}
	r.accounts.add(account)
	a, err := r.standing(ctx, account)
	if err != nil {
		return nil, r.classify(err)
	}
	return a, nil
}

func knownParticipant(s *snapshot, name string) bool {
	for i := range s.region.Participants {
		if s.region.Participants[i].Name == name {
			return true
		}
	}
	return false
}

// standing is an account with its balance.
func (r *Router) standing(ctx context.Context, a ledger.Account) (*client.Account, error) {
	b, err := r.ledger.Balance(ctx, a.ID)
	if err != nil {
		return nil, fmt.Errorf("balance of %s: %w", a.ID, err)
	}
	show := func(minor int64) string { return money.FromMinor(minor, a.Currency).Decimal() }
	w := &client.Account{
		ID: a.ID, Owner: a.Owner, Currency: string(a.Currency), Participant: a.Participant,
		Posted: show(b.Posted), Reserved: show(b.PendingOut), Available: show(b.Available),
	}
	if a.Floor != nil && *a.Floor < 0 {
		w.CreditLine = show(-*a.Floor)
	}
	return w, nil
}

// deposits is the name space of deposits' IDs, which follow from their keys.
var deposits = uuid.MustParse("5b0f2a0e-6b1c-4f6e-9a53-1f1d8f5c9a77")

// deposit books money from its participant's funding account to the customer's.
func (r *Router) deposit(ctx context.Context, key string, req *client.DepositRequest) (answer, *client.Problem) {
	errs := checkKey(key)
	var c checker
	amount, _ := c.amount("amount", req.Amount, "")
	c.text("account", req.Account, true, 128)
	c.text("reference", req.Reference, false, 140)
	if errs = append(errs, c.errs...); errs != nil {
		return answer{}, invalid(errs...)
	}
	hash, err := digest(req)
	if err != nil {
		return answer{}, r.classify(err)
	}
	recordKey := "deposit:" + key
	if a, found, err := r.replay(ctx, recordKey, hash); err != nil || found {
		if err != nil {
			return answer{}, r.classify(err)
		}
		return a, nil
	}
	account, err := r.account(ctx, req.Account)
	var missing *ledger.NotFoundError
	switch {
	case errors.As(err, &missing) || err == nil && !strings.HasPrefix(account.ID, "customer:"):
		return answer{}, invalid(field("body.account", req.Account, "no such customer's account"))
	case err != nil:
		return answer{}, r.classify(err)
	case account.Currency != amount.Currency():
		return answer{}, invalid(field("body.amount.currency", req.Amount.Currency, "the account is in %s", string(account.Currency)))
	}
	holder := account.Participant
	if holder == "" {
		holder = "external"
	}
	id := uuid.NewSHA1(deposits, []byte(key))
	funding := internal("funding", holder, ledger.Asset, amount.Currency())
	body, err := json.Marshal(client.Deposit{ID: id.String(), Account: account.ID, Amount: req.Amount, Reference: req.Reference, Booked: r.now()})
	if err != nil {
		return answer{}, r.classify(err)
	}
	a := answer{Hash: hash, Status: http.StatusCreated, Body: body}
	err = r.apply(ctx, entries{accounts: []ledger.Account{funding}, transfers: []ledger.Transfer{{
		ID: id, Kind: ledger.Immediate, Debit: funding.ID, Credit: account.ID, Amount: amount, Code: "deposit", Reference: id.String(),
	}}}, ledger.Commit{Puts: []ledger.Put{a.put(recordKey)}})
	if err != nil {
		// Another request with this key may have come first.
		if earlier, found, again := r.replay(ctx, recordKey, hash); again == nil && found {
			return earlier, nil
		}
		return answer{}, r.classify(fmt.Errorf("deposit to %s: %w", account.ID, err))
	}
	return a, nil
}
