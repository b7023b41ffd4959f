package access

import (
	"fmt"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// Scope is a kind of operations.
type Scope string

// The scopes, as in the Region resource.
const (
	QuotesRead       Scope = "quotes:read"
	PaymentsRead     Scope = "payments:read"
	PaymentsWrite    Scope = "payments:write"
	ConversionsRead  Scope = "conversions:read"
	ConversionsWrite Scope = "conversions:write"
	AccountsRead     Scope = "accounts:read"
	AccountsWrite    Scope = "accounts:write"
	SettlementRead   Scope = "settlement:read"
	LedgerRead       Scope = "ledger:read"
)

var scopes = []Scope{QuotesRead, PaymentsRead, PaymentsWrite, ConversionsRead, ConversionsWrite, AccountsRead, AccountsWrite, SettlementRead, LedgerRead}

// needed is the scope of each operation, by its ID in the API's description.
var needed = map[string]Scope{
	"quote":          QuotesRead,
	"list-corridors": QuotesRead,

	"create-payment": PaymentsWrite,
	"create-batch":   PaymentsWrite,
	"iso20022":       PaymentsWrite,
	"cancel-payment": PaymentsWrite,
	"return-payment": PaymentsWrite,
	"refund-payment": PaymentsWrite,

	"get-payment":     PaymentsRead,
	"payment-message": PaymentsRead,
	"list-payments":   PaymentsRead,
	"payment-events":  PaymentsRead,
	"events":          PaymentsRead,
	"summary":         PaymentsRead,

	"create-conversion": ConversionsWrite,
	"cancel-conversion": ConversionsWrite,
	"get-conversion":    ConversionsRead,
	"list-conversions":  ConversionsRead,

	"open-account": AccountsWrite,
	"deposit":      AccountsWrite,
	"get-account":  AccountsRead,

	"list-settlement-runs": SettlementRead,
	"get-settlement-run":   SettlementRead,
	"get-settlement-file":  SettlementRead,

	"trial-balance":    LedgerRead,
	"list-checkpoints": LedgerRead,
}

// The security schemes in the API's description.
const (
	bearer      = "bearer"
	certificate = "certificate"
)

// Describe writes into the API's description which scope each operation needs. An operation without one is an error: nobody could say
// who may use it.
func Describe(api huma.API) error {
	o := api.OpenAPI()
	if o.Components.SecuritySchemes == nil {
		o.Components.SecuritySchemes = map[string]*huma.SecurityScheme{}
	}
	o.Components.SecuritySchemes[certificate] = &huma.SecurityScheme{
		Type:        "mutualTLS",
		Description: "Instead of a token, where the region's resource has an authentication of type ClientCertificate.",
	}
	o.Components.SecuritySchemes[bearer] = &huma.SecurityScheme{
		Type: "http", Scheme: "bearer", BearerFormat: "JWT",
		Description: "Needed where the region's resource has spec.api: a token of a Kubernetes ServiceAccount or of an OpenID Connect issuer, made " +
			"for the audience that the resource names. The scopes listed with each operation are granted there to each client.",
	}
	for path, item := range o.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			scope, ok := needed[op.OperationID]
			if !ok {
				return fmt.Errorf("access: operation %q at %s has no scope", op.OperationID, path)
			}
			op.Security = []map[string][]string{{bearer: {string(scope)}}, {certificate: {string(scope)}}, {}}
			for status, why := range map[string]string{
				"401": "No token or certificate, or one that is not accepted", "403": "Not a client of this region, or without the scope " + string(scope),
				"429": "More requests than the client's rate limit allows",
			} {
				if op.Responses[status] == nil {
					op.Responses[status] = &huma.Response{Description: why}
				}
			}
		}
	}
	return nil
}

// ScopeOf is the scope that an operation needs, empty where there is no such operation.
func ScopeOf(operation string) string { return string(needed[operation]) }

// scopesOf reads a client's scopes, and refuses those that there are not.
func scopesOf(client string, names []string) (map[Scope]bool, error) {
	out := make(map[Scope]bool, len(names))
	for _, n := range names {
		if !slices.Contains(scopes, Scope(n)) {
			return nil, fmt.Errorf("client %s: scope %q: want one of %q", client, n, scopes)
		}
		out[Scope(n)] = true
	}
	return out, nil
}
