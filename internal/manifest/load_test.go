package manifest

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/compile"
)

// folder writes files into a folder of its own.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWhatIsWrongInFilesIsSaidWithFileResourceFieldAndValue(t *testing.T) {
	calendar := document("BusinessCalendar", valid["BusinessCalendar"])
	for name, c := range map[string]struct{ doc, want string }{
		"not YAML":            {"a: [", "a.yaml: document 1 is not YAML"},
		"a key twice":         {calendar + "kind: Region\n", `key "kind" already set`},
		"no object":           {"- a\n", "a.yaml: document 1 is no object"},
		"no kind":             {"apiVersion: v1\n", "has no apiVersion or no kind"},
		"an unknown kind":     {document("Regoin", valid["Region"]), `a.yaml: Regoin/east: kind: "Regoin": no such kind`},
		"another version":     {strings.Replace(calendar, "v1alpha1", "v1", 1), `apiVersion: "rails.qiantang.dev/v1": no such version`},
		"no name":             {document("BusinessCalendar", "\nspec: {builtInCalendars: [CN]}"), "BusinessCalendar/: metadata.name: required"},
		"a name that is none": {strings.Replace(calendar, "name: own", "name: Own_1", 1), `metadata.name: "Own_1": `},
		"an unknown field":    {strings.Replace(calendar, "spec: {", "spec: {weekend: Fri, ", 1), `spec.weekend: "Fri": unknown field`},
		"an unknown field within a list": {strings.Replace(calendar, `{date: "2026-12-31"}`, `{date: "2026-12-31", why: x}`, 1),
			`spec.closings[0].why: "x": unknown field`},
		"unknown metadata": {strings.Replace(calendar, "{name: own}", "{name: own, lables: {}}", 1), `unknown field "lables"`},
		"a missing field":  {document("SettlementRun", "\nmetadata: {name: r}\nspec: {scheduleRef: {name: x}}"), "spec.regionRef: required value"},
		"a value that is not allowed": {strings.Replace(document("SettlementSchedule", valid["SettlementSchedule"]), "Gross", "Grosz", 1),
			`spec.model: "Grosz": unsupported value`},
		"a malformed amount":       {strings.Replace(document("PaymentRail", valid["PaymentRail"]), `"2.50"`, `"2,50"`, 1), `spec.limits.max: "2,50"`},
		"an amount as a number":    {strings.Replace(document("PaymentRail", valid["PaymentRail"]), `"2.50"`, `2.50`, 1), `spec.limits.max: "2.5": `},
		"twice in a set":           {strings.Replace(calendar, "[CN]", "[CN, CN]", 1), `spec.builtInCalendars[1]: "CN": duplicate value`},
		"twice in a list by key":   {strings.Replace(calendar, `[{date: "2026-12-31"}]`, `[{date: "2026-12-31"}, {date: "2026-12-31"}]`, 1), "spec.closings[1]: duplicate value"},
		"the same resource twice":  {calendar + "---\n" + calendar, `metadata.name: "own": is in a.yaml already`},
		"two institutions":         {strings.Replace(calendar, "{name: own}", "{name: own, namespace: a}", 1) + "---\n" + strings.Replace(calendar, "{name: own}", "{name: two, namespace: b}", 1), `metadata.namespace: "b": a.yaml has namespace "a"`},
		"a Secret not in base64":   {"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: '%'}\n", "Secret/s: data.k: is not base64"},
		"a Secret that is no text": {"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: {hidden: 1}}\n", "data and stringData must be text"},
		"a run of nothing": {document("SettlementRun", valid["SettlementRun"]),
			`SettlementRun/run: spec.scheduleRef.name: "daily": no SettlementSchedule of this name`},
		"a reference to what is wrong": {strings.Replace(document("SettlementSchedule", valid["SettlementSchedule"]), "model:", "calendarRefs: [{name: own}]\n  model:", 1) +
			"---\n" + strings.Replace(calendar, "[CN]", "[c]", 1), "no BusinessCalendar of this name that is valid (see the findings on BusinessCalendar/own in a.yaml)"},
	} {
		t.Run(name, func(t *testing.T) {
			b, found := load(t, c.doc)
			_, found = b.Check(found)
			if !slices.ContainsFunc(found, func(f Finding) bool { return strings.Contains(f.String(), c.want) }) {
				t.Errorf("got %v, want %s", found, c.want)
			}
			for _, f := range found {
				if strings.Contains(f.String(), "hidden") {
					t.Errorf("shows what a Secret holds: %s", f)
				}
			}
		})
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	for name, dir := range map[string]string{"no folder": filepath.Join(t.TempDir(), "none"), "nothing in it": t.TempDir()} {
		if _, _, err := Load(t.Context(), dir, now); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretsNamespacesAndOtherDocumentsAreToldApart(t *testing.T) {
	provider := `
metadata: {name: pingpong, namespace: demo}
spec:
  adapter: PingPong
  endpoint: http://pingpong.example
  credentialsSecretRef: {name: pp}
  pairs: [{sell: USD, buy: CNY}]
status: {conditions: []}`
	dir := folder(t, map[string]string{
		"a.yaml":         document("FXProvider", provider),
		"b/c.yml":        "# nothing but a comment\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: pp}\ndata: {clientId: YQ==}\nstringData: {appId: b, token: c}\n",
		"d.json":         `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"}}`,
		"e.yaml":         "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n",
		"readme.md":      "not: [yaml",
		".hidden/f.yaml": "not: [yaml",
	})
	b, found, err := Load(t.Context(), dir, now)
	if err != nil {
		t.Fatal(err)
	}
	_, found = b.Check(found)
	if len(found) != 1 || found[0].String() != `a.yaml: FXProvider/pingpong: spec.credentialsSecretRef.name: "pp": the Secret has no key signingKey` {
		t.Errorf("found %v", found)
	}
	if got := slices.Sorted(maps.Keys(b.Secrets["pp"])); !slices.Equal(got, []string{"appId", "clientId", "token"}) || string(b.Secrets["pp"]["clientId"]) != "a" {
		t.Errorf("keys %v", got)
	}
	if !slices.Equal(b.Ignored, []string{"d.json: apps/v1 Deployment/x"}) || b.Snapshot.Institution != "demo" {
		t.Errorf("ignored %v, institution %s", b.Ignored, b.Snapshot.Institution)
	}
	var out bytes.Buffer
	if err := b.Summary(&out); err != nil || out.String() != "valid: institution demo with 1 provider, 1 secret\nnot looked at: d.json: apps/v1 Deployment/x\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestASecretInNoFileIsTakenToBeInTheCluster(t *testing.T) {
	b, found, err := Load(t.Context(), "../../config/samples/50-providers.yaml", now)
	if err != nil {
		t.Fatal(err)
	}
	_, found = b.Check(found)
	for _, f := range found {
		if strings.Contains(f.Field, "Secret") {
			t.Error(f)
		}
	}
	if v := b.Snapshot.Secrets; len(v) != 3 {
		t.Errorf("secrets %v", v)
	}
}

func TestWhatIsEarlierInTheFilesCountsAsOlder(t *testing.T) {
	corridor := document("PaymentCorridor", valid["PaymentCorridor"])
	all := document("Region", strings.Replace(valid["Region"], "{type: Local}", "{type: Local}", 1)) + "---\n" + document("PaymentRail", valid["PaymentRail"]) +
		"---\n" + document("FXProvider", valid["FXProvider"])
	b, found := load(t, all+"---\n"+strings.Replace(corridor, "name: us-cn", "name: zz-first", 1)+"---\n"+corridor)
	result, found := b.Check(found)
	if len(found) != 1 || found[0].Resource != "PaymentCorridor/us-cn" || !strings.Contains(found[0].Message, `"zz-first" is older`) {
		t.Errorf("found %v", found)
	}
	if !result.Verdicts[compile.Ref{Kind: compile.KindCorridor, Name: "zz-first"}].OK() {
		t.Error("the first is not accepted")
	}
}
