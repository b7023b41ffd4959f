package manifest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// valid is one valid resource a kind.
var valid = map[string]string{
	"Region": `
metadata: {name: east}
spec:
  jurisdiction: US
  cluster: {type: Local}
  ledger: {type: PostgreSQL, postgreSQL: {dsnSecretRef: {name: dsn}}}
  workers: {router: {replicas: 2}, settler: {autoscaling: {minReplicas: 2, maxReplicas: 4}}}
  service: {type: NodePort, nodePort: 30080}
  api:
    tls: {secretRef: {name: east-tls}}
    authentication:
      - {name: cluster, type: ServiceAccount, serviceAccount: {audience: rails}}
      - {name: bank, type: OIDC, oidc: {issuerURL: "https://login.example", audience: rails}}
      - {name: mesh, type: ClientCertificate, clientCertificate: {caSecretRef: {name: mesh-ca}}}
    clients: [{name: shop, authentication: cluster, subject: "system:serviceaccount:shop:checkout", scopes: ["payments:write"]}]`,
	"PaymentRail": `
metadata: {name: rail}
spec:
  system: CIPS
  country: CN
  currency: CNY
  finality: Immediate
  limits: {min: "1", max: "2.50"}
  operatingHours: {timeZone: Asia/Shanghai, openings: [{days: [Mon], open: "08:00", close: "24:00"}]}`,
	"FXProvider": `
metadata: {name: provider}
spec:
  adapter: OpenFX
  endpoint: https://provider.example/v1
  pairs: [{sell: USD, buy: CNY}]
  timeouts: {quote: 1s, execute: 10s}
  circuitBreaker: {openFor: 5s}`,
	"PaymentCorridor": `
metadata: {name: us-cn}
spec:
  source: {country: US, currency: USD}
  destination: {country: CN, currency: CNY}
  regions: [east]
  rails: [{name: rail}]
  providers: [{name: provider, weight: 1}]
  routing:
    strategy: Weighted
    rules: [{name: r, when: "true", action: Deny, message: sorry}, {name: x, when: "true", action: Exclude, providers: [provider]}]
  limits: {min: "1", max: "2"}
  feeTiers: [{from: "0", basisPoints: 5, min: "1", max: "2"}]
  quotes: {ttl: 30s}`,
	"SettlementSchedule": `
metadata: {name: daily}
spec:
  timeZone: UTC
  cutOffs: ["0 17 * * *"]
  model: Gross
  delivery: {type: Directory, directory: out}`,
	"SettlementRun": `
metadata: {name: run}
spec: {scheduleRef: {name: daily}, regionRef: {name: east}}`,
	"Participant": `
metadata: {name: bank}
spec: {legalName: Bank, bic: BANKUS33, accounts: [{currency: USD, other: "1"}]}`,
	"BusinessCalendar": `
metadata: {name: own}
spec: {builtInCalendars: [CN], closings: [{date: "2026-12-31"}]}`,
}

// load reads one document from a folder of its own.
func load(t *testing.T, doc string) (*Bundle, []Finding) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	b, found, err := Load(t.Context(), dir, now)
	if err != nil {
		t.Fatal(err)
	}
	return b, found
}

func document(kind, body string) string {
	return "apiVersion: rails.qiantang.dev/v1alpha1\nkind: " + kind + body + "\n"
}

func TestTheValidResourcesAreValid(t *testing.T) {
	for kind, body := range valid {
		if _, found := load(t, document(kind, body)); len(found) > 0 {
			t.Errorf("%s: %v", kind, found)
		}
	}
}

// Each case breaks one rule of the schemas, named by a part of it that no other rule of the kind has.
var broken = []struct {
	kind, rule       string
	replace, with    string
	field, says, val string
}{
	{"Region", "self.metadata.name.matches", "name: east", "name: 1east", "metadata.name", "name 1east must be", "1east"},
	{"Region", "!has(self.workers.settler)", "PostgreSQL, postgreSQL: {dsnSecretRef: {name: dsn}}}\n  workers: {router: {replicas: 2},", "Embedded}\n  workers: {router: {replicas: 1},", "spec", "workers.settler must be unset", ""},
	{"Region", "!has(self.workers.router.autoscaling)", "PostgreSQL, postgreSQL: {dsnSecretRef: {name: dsn}}}\n  workers: {router: {replicas: 2}, settler: {autoscaling: {minReplicas: 2, maxReplicas: 4}}}",
		"Embedded}\n  workers: {router: {autoscaling: {minReplicas: 2, maxReplicas: 4}}}", "spec", "autoscaling must be unset", ""},
	{"Region", "self.workers.router.replicas == 1", "PostgreSQL, postgreSQL: {dsnSecretRef: {name: dsn}}}\n  workers: {router: {replicas: 2}, settler: {autoscaling: {minReplicas: 2, maxReplicas: 4}}}",
		"Embedded}\n  workers: {router: {replicas: 2}}", "spec.workers.router.replicas", "must be 1", "2"},
	{"Region", "has(self.kubeconfigSecretRef)", "{type: Local}", "{type: Kubeconfig}", "spec.cluster", "type is Kubeconfig", ""},
	{"Region", "has(self.postgreSQL) ==", ", postgreSQL: {dsnSecretRef: {name: dsn}}", "", "spec.ledger", "postgreSQL must be set", ""},
	{"Region", "!has(self.embedded)", "type: PostgreSQL,", "type: PostgreSQL, embedded: {size: 1Gi},", "spec.ledger", "embedded must be unset when type is PostgreSQL", ""},
	{"Region", "!has(self.replicas) ||", "router: {replicas: 2}", "router: {replicas: 2, autoscaling: {minReplicas: 1, maxReplicas: 2}}", "spec.workers.router.replicas", "exclude each other", "2"},
	{"Region", "self.minReplicas <= self.maxReplicas", "minReplicas: 2", "minReplicas: 5", "spec.workers.settler.autoscaling.minReplicas", "more than maxReplicas", "5"},
	{"Region", "!has(self.nodePort)", "type: NodePort, nodePort", "type: ClusterIP, nodePort", "spec.service.nodePort", "type is ClusterIP", "30080"},
	{"Region", "self.clients.all(c,", "{name: shop, authentication: cluster", "{name: shop, authentication: clutser", "spec.api.clients", "a method that the region's authentication lists", ""},
	{"Region", "has(self.serviceAccount) ==", ", serviceAccount: {audience: rails}", "", "spec.api.authentication[0]", "type of cluster is ServiceAccount", ""},
	{"Region", "has(self.oidc) ==", "serviceAccount: {audience: rails}", "serviceAccount: {audience: rails}, oidc: {issuerURL: 'https://a.example', audience: rails}", "spec.api.authentication[0]", "oidc must be set when type is OIDC", ""},
	{"Region", "has(self.clientCertificate) ==", ", clientCertificate: {caSecretRef: {name: mesh-ca}}", "", "spec.api.authentication[2]", "type of mesh is ClientCertificate", ""},
	{"Region", "has(self.tls) ||", "    tls: {secretRef: {name: east-tls}}\n", "", "spec.api.authentication", "tls must be set for authentication of type ClientCertificate", ""},
	{"Region", "isURL(self) && url(self).getScheme()", "https://login.example", "http://login.example", "spec.api.authentication[1].oidc.issuerURL", "issuerURL http://login.example must be", "http://login.example"},
	{"PaymentRail", "self.metadata.name.size() <= 63", "name: rail", "name: " + strings.Repeat("a", 64), "metadata.name", "longer than 63", strings.Repeat("a", 64)},
	{"PaymentRail", "quantity(self.min)", `min: "1"`, `min: "3"`, "spec.limits.min", "min 3 is more than max 2.50", "3"},
	{"PaymentRail", "self.open != '24:00'", `"08:00"`, `"24:00"`, "spec.operatingHours.openings[0]", "00:00 of the following day", ""},
	{"FXProvider", "self.metadata.name.size() <= 63", "name: provider", "name: " + strings.Repeat("a", 64), "metadata.name", "longer than 63", strings.Repeat("a", 64)},
	{"FXProvider", "self.adapter != 'ECB' ||", "adapter: OpenFX", "adapter: ECB\n  role: Routed", "spec.role", "adapter ECB only gives reference rates", "Routed"},
	{"FXProvider", "has(self.pairs) && self.pairs.size() > 0", "  pairs: [{sell: USD, buy: CNY}]\n", "", "spec", "at least one currency pair for adapter OpenFX", ""},
	{"FXProvider", "isURL(self.endpoint)", "https://provider.example/v1", "file:///rates.csv", "spec.endpoint", "endpoint file:///rates.csv must be", "file:///rates.csv"},
	{"FXProvider", "duration(self.quote)", "quote: 1s", "quote: 31s", "spec.timeouts.quote", "quote 31s must be", "31s"},
	{"FXProvider", "duration(self.execute)", "execute: 10s", "execute: 0s", "spec.timeouts.execute", "execute 0s must be", "0s"},
	{"FXProvider", "duration(self.openFor)", "openFor: 5s", "openFor: 11m", "spec.circuitBreaker.openFor", "openFor 11m must be", "11m"},
	{"PaymentCorridor", "self.metadata.name.size() <= 63", "name: us-cn", "name: " + strings.Repeat("a", 64), "metadata.name", "longer than 63", strings.Repeat("a", 64)},
	{"PaymentCorridor", "self.source.country != self.destination.country", "{country: CN, currency: CNY}", "{country: US, currency: USD}", "spec", "both US/USD", ""},
	{"PaymentCorridor", "!has(self.rails) : has(self.rails)", "  rails: [{name: rail}]\n", "", "spec.rails", "rails must be set", ""},
	{"PaymentCorridor", "!has(self.rails) : has(self.rails)", "  source:", "  use: Conversions\n  source:", "spec.rails", "rails must be unset", ""},
	{"PaymentCorridor", "self.use != 'Conversions' ||", "  source: {country: US, currency: USD}\n  destination: {country: CN, currency: CNY}\n  regions: [east]\n  rails: [{name: rail}]\n",
		"  use: Conversions\n  source: {country: US, currency: CNY}\n  destination: {country: CN, currency: CNY}\n  regions: [east]\n", "spec", "both in CNY", ""},
	{"PaymentCorridor", "self.routing.strategy != 'Weighted'", ", weight: 1", "", "spec.providers", "needs a weight", ""},
	{"PaymentCorridor", "has(self.message)", ", message: sorry", "", "spec.routing.rules[0]", "action of rule r is Deny", ""},
	{"PaymentCorridor", "!has(self.providers) && !has(self.rails)", ", providers: [provider]}]", "}]", "spec.routing.rules[1]", "must be set with action Exclude in rule x", ""},
	{"PaymentCorridor", "has(self.basisPoints)", "basisPoints: 5, ", "", "spec.feeTiers[0]", "tier from 0 needs", ""},
	{"PaymentCorridor", "quantity(self.min)", `min: "1", max: "2"}` + "\n", `min: "3", max: "2"}` + "\n", "spec.limits.min", "min 3 is more than max 2", "3"},
	{"PaymentCorridor", "quantity(self.min)", `5, min: "1"`, `5, min: "3"`, "spec.feeTiers[0].min", "min 3 is more than max 2", "3"},
	{"PaymentCorridor", "duration(self.ttl)", "ttl: 30s", "ttl: 2h", "spec.quotes.ttl", "ttl 2h must be", "2h"},
	{"SettlementSchedule", "self.metadata.name.size() <= 40", "name: daily", "name: " + strings.Repeat("a", 41), "metadata.name", "longer than 40", strings.Repeat("a", 41)},
	{"SettlementSchedule", "has(self.directory) ==", ", directory: out", "", "spec.delivery", "directory must be set", ""},
	{"SettlementSchedule", "has(self.endpoint) ==", "directory: out", "directory: out, endpoint: 'http://x.example'", "spec.delivery", "endpoint must be set", ""},
	{"SettlementSchedule", "isURL(self.endpoint)", "Directory, directory: out", "Endpoint, endpoint: 'ftp://x.example'", "spec.delivery.endpoint", "endpoint ftp://x.example must be", "ftp://x.example"},
	{"SettlementRun", "self.metadata.name.size() <= 63", "name: run", "name: " + strings.Repeat("a", 64), "metadata.name", "longer than 63", strings.Repeat("a", 64)},
	{"Participant", "self.metadata.name.size() <= 63", "name: bank", "name: " + strings.Repeat("a", 64), "metadata.name", "longer than 63", strings.Repeat("a", 64)},
	{"Participant", "has(self.bic) || has(self.lei)", "bic: BANKUS33, ", "", "spec", "must identify Bank", ""},
	{"Participant", "has(self.iban) != has(self.other)", `, other: "1"`, "", "spec.accounts[0]", "account in USD", ""},
	{"BusinessCalendar", "self.metadata.name.size() <= 63", "name: own", "name: " + strings.Repeat("a", 64), "metadata.name", "longer than 63", strings.Repeat("a", 64)},
}

func TestEachRuleOfTheSchemasIsCausedAndNamesTheValue(t *testing.T) {
	caused := map[string]bool{}
	for _, c := range broken {
		caused[c.kind+" "+c.rule] = true
		body := strings.Replace(valid[c.kind], c.replace, c.with, 1)
		if body == valid[c.kind] {
			t.Fatalf("%s: %q is not in the valid resource", c.kind, c.replace)
		}
		_, found := load(t, document(c.kind, body))
		if len(found) != 1 {
			t.Errorf("%s, rule %s: %v", c.kind, c.rule, found)
			continue
		}
		if f := found[0]; f.Field != c.field || !strings.Contains(f.Message, c.says) || (c.val != "" && f.Value != c.val) {
			t.Errorf("%s, rule %s: field %q, value %q, %s", c.kind, c.rule, f.Field, f.Value, f.Message)
		}
	}
	// And no rule is left out: transitions have a test of their own.
	for kind, k := range mustSchemas(t) {
		each(k.structural, func(rule string) {
			if strings.Contains(rule, "oldSelf") {
				return
			}
			for key := range caused {
				if part, ok := strings.CutPrefix(key, kind+" "); ok && strings.Contains(rule, part) {
					return
				}
			}
			t.Errorf("%s: no case breaks the rule %s", kind, rule)
		})
	}
}

func mustSchemas(t *testing.T) map[string]*kindSchema {
	t.Helper()
	known, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range known {
		if err := k.ready(); err != nil {
			t.Fatal(err)
		}
	}
	return known
}

func each(s *schema.Structural, visit func(rule string)) {
	for _, r := range s.XValidations {
		visit(r.Rule)
	}
	if s.Items != nil {
		each(s.Items, visit)
	}
	for name := range s.Properties {
		p := s.Properties[name]
		each(&p, visit)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Structural != nil {
		each(s.AdditionalProperties.Structural, visit)
	}
}

func TestWhatCannotChangeIsRefusedToChange(t *testing.T) {
	for _, c := range []struct{ kind, replace, with, says string }{
		{"Region", "{type: PostgreSQL, postgreSQL: {dsnSecretRef: {name: dsn}}}\n  workers: {router: {replicas: 2}, settler: {autoscaling: {minReplicas: 2, maxReplicas: 4}}}", "{type: Embedded}", "cannot change from PostgreSQL to Embedded"},
		{"Region", "jurisdiction: US", "jurisdiction: US\n  namespace: elsewhere", "namespace cannot change from unset to elsewhere"},
		{"Region", "{type: Local}", "{type: Kubeconfig, kubeconfigSecretRef: {name: east}}", "cluster.type cannot change to Kubeconfig"},
		{"PaymentCorridor", "  rails: [{name: rail}]\n", "  use: Conversions\n", "use cannot be changed"},
		{"SettlementRun", "name: east", "name: west", "make another"},
	} {
		k := mustSchemas(t)[c.kind]
		was, is := parsed(t, valid[c.kind]), parsed(t, strings.Replace(valid[c.kind], c.replace, c.with, 1))
		errs, _ := k.rules.Validate(context.Background(), nil, k.structural, is, was, celconfig.RuntimeCELCostBudget)
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), c.says) {
			t.Errorf("%s: %v", c.kind, errs)
		}
	}
}

func parsed(t *testing.T, doc string) map[string]any {
	t.Helper()
	b, err := yaml.YAMLToJSON([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	// As an API server reads it: whole numbers are integers.
	var out map[string]any
	if err := utiljson.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
