// Package policy_test tries the admission policies of this folder.
package policy_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"
)

// policies reads a file's policy and binding, strictly.
func policies(t *testing.T, file string) (admissionv1.ValidatingAdmissionPolicy, admissionv1.ValidatingAdmissionPolicyBinding) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	docs := bytes.Split(b, []byte("\n---\n"))
	if len(docs) != 2 {
		t.Fatalf("%d documents", len(docs))
	}
	var p admissionv1.ValidatingAdmissionPolicy
	var binding admissionv1.ValidatingAdmissionPolicyBinding
	if err := yaml.UnmarshalStrict(docs[0], &p); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(docs[1], &binding); err != nil {
		t.Fatal(err)
	}
	return p, binding
}

func evaluate(t *testing.T, expression string, in map[string]any) any {
	t.Helper()
	env, err := cel.NewEnv(cel.Variable("object", cel.DynType), cel.Variable("oldObject", cel.DynType))
	if err != nil {
		t.Fatal(err)
	}
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		t.Fatalf("%s: %v", expression, issues.Err())
	}
	program, err := env.Program(ast)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := program.Eval(in)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return out.Value()
}

func TestWhatACorridorOrRailIsCannotChange(t *testing.T) {
	corridor := `{kind: PaymentCorridor, spec: {source: {country: US, currency: USD}, destination: {country: CN, currency: CNY}, limits: {max: "5"}}}`
	rail := `{kind: PaymentRail, spec: {system: CIPS, currency: CNY, limits: {max: "5"}}}`
	for _, c := range []struct{ was, replace, with, says string }{
		{corridor, `"5"`, `"6"`, ""},
		{rail, `"5"`, `"6"`, ""},
		{corridor, "US, currency: USD", "US, currency: EUR", "spec.source cannot change from US/USD to US/EUR"},
		{corridor, "country: CN", "country: HK", "spec.destination cannot change from CN/CNY to HK/CNY"},
		{rail, "CNY", "USD", "spec.currency cannot change from CNY to USD"},
		{rail, "CIPS", "CHATS", "spec.system cannot change from CIPS to CHATS"},
	} {
		file := "rail-identity.yaml"
		if c.was == corridor {
			file = "corridor-identity.yaml"
		}
		p, binding := policies(t, file)
		if binding.Spec.PolicyName != p.Name {
			t.Errorf("%s: the binding is to %s", file, binding.Spec.PolicyName)
		}
		in := map[string]any{}
		for name, doc := range map[string]string{"oldObject": c.was, "object": strings.Replace(c.was, c.replace, c.with, 1)} {
			var v map[string]any
			if err := yaml.Unmarshal([]byte(doc), &v); err != nil {
				t.Fatal(err)
			}
			in[name] = v
		}
		var said []string
		for _, v := range p.Spec.Validations {
			if evaluate(t, v.Expression, in) != true {
				said = append(said, evaluate(t, v.MessageExpression, in).(string))
			}
		}
		if got := strings.Join(said, "; "); (c.says == "") != (got == "") || !strings.HasPrefix(got, c.says) {
			t.Errorf("%s to %s: %q, want %q", c.replace, c.with, got, c.says)
		}
	}
}
