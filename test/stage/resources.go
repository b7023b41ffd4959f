package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/manifest"
	"qiantang.dev/rails/internal/plan"
)

// Adapters are the simulated providers: the name that the simulator has for each, and its adapter.
var Adapters = map[string]string{"pingpong": "PingPong", "lianlian": "LianLian", "antom": "Antom", "openfx": "OpenFX"}

// Corridor that every stage has, from US dollars to renminbi; with more than one, the others are numbered.
const Corridor = "us-cn"

// Resources are what a stage's worker serves.
type Resources struct {
	// Simulator's URL.
	Simulator string
	// Providers by name, all in every corridor, in equal shares.
	Providers []string
	// Credentials by adapter.
	Credentials map[string]map[string][]byte
	// Corridors, at least one.
	Corridors int
	// Between, where set, is a currency that every payment goes by: the providers take US dollars to it, and it to renminbi, by turns.
	Between string
}

// Write writes them as YAML into dir: what a user would write, with a rail that is always open.
func (r Resources) Write(dir string) error {
	var b strings.Builder
	resource := func(kind, name, spec string) {
		fmt.Fprintf(&b, "---\napiVersion: rails.qiantang.dev/v1alpha1\nkind: %s\nmetadata: {name: %s, namespace: stage}\nspec: %s\n", kind, name, spec)
	}
	b.WriteString("apiVersion: v1\nkind: Namespace\nmetadata: {name: stage}\n")
	resource("Region", "local", `{jurisdiction: US, cluster: {type: Local}, ledger: {type: Embedded}}`)
	resource("Participant", "self", `{legalName: Stage, role: Self, bic: QTPYCNBHXXX, accounts: [{currency: USD, other: "1"}, {currency: CNY, other: "2"}]}`)
	resource("PaymentRail", "cnaps-beps", `{system: CNAPSBEPS, country: CN, currency: CNY, finality: Deferred, expectedDuration: 30m}`)
	resource("SettlementSchedule", "daily", `{timeZone: Asia/Shanghai, cutOffs: ["0 17 * * *"], model: MultilateralNet, timing: Deferred, delivery: {type: Directory, directory: out}}`)
	resource("FXProvider", "ecb", fmt.Sprintf(`{adapter: ECB, role: Reference, endpoint: "%s/ecb/eurofxref-daily.xml"}`, r.Simulator))
	var members []string
	for i, name := range r.Providers {
		adapter, ok := Adapters[name]
		if !ok {
			return fmt.Errorf("provider %q: want one of %v", name, slices.Sorted(maps.Keys(Adapters)))
		}
		secret, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]string{"name": name, "namespace": "stage"}, "data": r.Credentials[adapter]})
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "---\n%s\n", secret)
		resource("Participant", name, fmt.Sprintf(`{legalName: %s, bic: %sCNBH, accounts: [{currency: USD, other: "%s-1"}, {currency: CNY, other: "%s-2"}]}`,
			adapter, strings.ToUpper(name[:4]), name, name))
		resource("FXProvider", name, fmt.Sprintf(`{adapter: %s, endpoint: "%s/%s", credentialsSecretRef: {name: %s}, participantRef: {name: %s}, pairs: [%s],
  circuitBreaker: {consecutiveFailures: 20, openFor: 1s}}`, adapter, r.Simulator, name, name, name, strings.Join(r.pairs(i), ", ")))
		members = append(members, fmt.Sprintf("{name: %s, weight: %d}", name, 100/len(r.Providers)))
	}
	for i := range r.Corridors {
		name, country, currency := Corridor, "US", "USD"
		if i > 0 {
			name = fmt.Sprintf("%s-%05d", Corridor, i)
			country, currency = countries[i%len(countries)], currencies[i/len(countries)%len(currencies)]
		}
		resource("PaymentCorridor", name, fmt.Sprintf(`
  source: {country: "%s", currency: %s}
  destination: {country: CN, currency: CNY}
  regions: [local]
  rails: [{name: cnaps-beps}]
  providers: [%s]
  routing:
    strategy: Weighted
    rules: [{name: no-cash, when: payment.purpose == 'CASH', action: Deny, message: not taken}]
  limits: {min: "1", max: "250000"}
  feeTiers: [{from: "0", basisPoints: 50, min: "1"}]
  quotes: {ttl: 60s, maxSpreadBasisPoints: 150}
  settlementScheduleRef: {name: daily}`, country, currency, strings.Join(members, ", ")))
	}
	return os.WriteFile(filepath.Join(dir, "stage.yaml"), []byte(b.String()), 0o600)
}

// Each pair of countries and currencies has one corridor in a region; these make many sources. The first pair is Corridor's own.
var (
	countries = strings.Fields("US AT AU BE BG BR CA CH CL CO CY CZ DE DK EE EG ES FI FR GB GR HK HR HU ID IE IL IN IS IT JP KE KR KW LT LU LV MA MT MX MY " +
		"NG NL NO NZ OM PE PH PK PL PT QA RO SA SE SG SI SK TH TN TR TW TZ UA UG UY VN ZA AD AE AF AG AI AL AM AO AR AW AZ BA BB BD BF BH BI BJ BM BN BO BS BT BW BY BZ CD CF CG CI CM CU CV DJ DO DZ EC")
	currencies = strings.Fields("USD EUR GBP JPY AUD CAD CHF SEK NOK DKK PLN CZK HUF RON TRY ILS INR IDR KRW MYR MXN NZD PHP SGD THB ZAR BRL HKD ISK AED " +
		"AFN ALL AMD AOA ARS AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BSD BTN BWP BYN BZD CDF CLP COP CRC CUP CVE DJF DOP DZD EGP ETB FJD FKP GEL GHS GIP GMD GNF " +
		"GTQ GYD HNL HTG IQD IRR JMD JOD KES KGS KHR KMF KPW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MZN NAD")
)

// pairs that the ith provider takes: the sources' currencies into renminbi, or one leg of the way.
func (r Resources) pairs(i int) []string {
	if r.Between != "" {
		leg := fmt.Sprintf("{sell: USD, buy: %s}", r.Between)
		if i%2 == 1 {
			leg = fmt.Sprintf("{sell: %s, buy: CNY}", r.Between)
		}
		return []string{leg}
	}
	var pairs []string
	for _, c := range currencies[:min(len(currencies), 1+r.Corridors/len(countries))] {
		pairs = append(pairs, fmt.Sprintf("{sell: %s, buy: CNY}", c))
	}
	return pairs
}

// Plan is what dir compiles to, with its credentials; anything wrong in it is an error.
func Plan(ctx context.Context, dir string) (*plan.Region, fx.Credentials, error) {
	bundle, found, err := manifest.Load(ctx, dir, time.Now())
	if err != nil {
		return nil, nil, err
	}
	result, found := bundle.Check(found)
	if len(found) > 0 {
		return nil, nil, fmt.Errorf("%s: %s (and %d more findings)", dir, found[0], len(found)-1)
	}
	return result.Regions["local"].Plan, fx.Credentials(bundle.Secrets), nil
}
