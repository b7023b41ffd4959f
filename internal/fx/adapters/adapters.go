package adapters

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/antom"
	"qiantang.dev/rails/internal/fx/ecb"
	"qiantang.dev/rails/internal/fx/lianlian"
	"qiantang.dev/rails/internal/fx/openfx"
	"qiantang.dev/rails/internal/fx/pingpong"
	"qiantang.dev/rails/internal/plan"
)

// opener makes an adapter of a provider. Errors name what is missing or wrong, never a credential's value.
type opener func(p plan.Provider, creds map[string][]byte, client *http.Client) (fx.Provider, error)

var register = map[string]opener{
	"Antom":    antom.Open,
	"ECB":      ecb.Open,
	"LianLian": lianlian.Open,
	"OpenFX":   openfx.Open,
	"PingPong": pingpong.Open,
}

// Open makes the provider's adapter with its credentials. client may be nil.
func Open(p plan.Provider, creds map[string][]byte, client *http.Client) (fx.Provider, error) {
	open, ok := register[p.Adapter]
	if !ok {
		return nil, fmt.Errorf("provider %s: adapter %q is not known: want one of %s", p.Name, p.Adapter, strings.Join(Names(), ", "))
	}
	return open(p, creds, client)
}

// Guarded opens adapters for a worker: each behind its plan's limits, all counted in the same metrics (nil: none). Providers of
// reference rates are opened as they are; they guard themselves.
func Guarded(client *http.Client, metrics *fx.Metrics, clock func() time.Time) func(plan.Provider, map[string][]byte) (fx.Provider, error) {
	return func(p plan.Provider, creds map[string][]byte) (fx.Provider, error) {
		opened, err := Open(p, creds, client)
		if err != nil || p.Reference {
			return opened, err
		}
		return fx.Guard(opened, p.Name, fx.LimitsOf(p), metrics, clock), nil
	}
}

// OpenReference makes the adapter of a provider of reference rates.
func OpenReference(p plan.Provider, creds map[string][]byte, client *http.Client) (fx.Reference, error) {
	opened, err := Open(p, creds, client)
	if err != nil {
		return nil, err
	}
	r, ok := opened.(fx.Reference)
	if !ok {
		return nil, fmt.Errorf("provider %s: adapter %s gives no reference rates", p.Name, p.Adapter)
	}
	return r, nil
}

// Names lists the adapters.
func Names() []string { return slices.Sorted(maps.Keys(register)) }
