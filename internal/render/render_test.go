package render

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/plan"
)

var update = flag.Bool("update", false, "write testdata/*.out.yaml anew")

func input(t *testing.T, path string) Input {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var in Input
	if err := yaml.UnmarshalStrict(raw, &in); err != nil {
		t.Fatal(err)
	}
	if err := plan.Seal(in.Plan); err != nil {
		t.Fatal(err)
	}
	return in
}

func TestObjectsOfARegion(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs: %v", err)
	}
	for _, path := range inputs {
		t.Run(filepath.Base(path), func(t *testing.T) {
			objects, err := Region(input(t, path))
			if err != nil {
				t.Fatal(err)
			}
			got := print(t, objects)
			golden := strings.TrimSuffix(path, ".in.yaml") + ".out.yaml"
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("not as in %s; run with -update and look at the difference\n%s", golden, got)
			}
		})
	}
}

// print writes all objects as YAML, shards in clear.
func print(t *testing.T, o Objects) []byte {
	t.Helper()
	var out bytes.Buffer
	all := append([]*unstructured.Unstructured{}, o.Configuration...)
	if o.Migration != nil {
		all = append(all, o.Migration)
	}
	for _, u := range append(all, o.Workload...) {
		u = u.DeepCopy()
		if packed, ok, _ := unstructured.NestedString(u.Object, "binaryData", delivery.KeyShard); ok {
			if err := unstructured.SetNestedField(u.Object, unpack(t, packed), "binaryData", delivery.KeyShard); err != nil {
				t.Fatal(err)
			}
		}
		raw, err := yaml.Marshal(u.Object)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n")
		out.Write(raw)
	}
	return out.Bytes()
}

func unpack(t *testing.T, packed string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAChangedPlanChangesNoWorkload(t *testing.T) {
	before := input(t, "testdata/embedded.in.yaml")
	after := input(t, "testdata/embedded.in.yaml")
	after.Plan.Corridors[0].Generation++
	if err := plan.Seal(after.Plan); err != nil {
		t.Fatal(err)
	}
	a, err := Region(before)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Region(after)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a.Workload, b.Workload) {
		t.Error("the workload has changed")
	}
	if reflect.DeepEqual(a.Configuration, b.Configuration) {
		t.Error("the configuration has not changed")
	}
}

func TestTheIndexComesLast(t *testing.T) {
	objects, err := Region(input(t, "testdata/embedded.in.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	last := objects.Configuration[len(objects.Configuration)-1]
	if last.GetName() != delivery.IndexName("us-east") {
		t.Errorf("last is %s", last.GetName())
	}
}

func TestRegionRefuses(t *testing.T) {
	tests := map[string]struct {
		edit func(*Input)
		want string
	}{
		"no image":      {func(i *Input) { i.Image = "" }, "no image"},
		"no ledger":     {func(i *Input) { i.Deployment.Embedded = nil }, "exactly one of"},
		"two ledgers":   {func(i *Input) { i.Deployment.PostgreSQL = &plan.PostgreSQLLedger{} }, "exactly one of"},
		"volume's size": {func(i *Input) { i.Deployment.Embedded.Size = "big" }, `"big"`},
		"requests":      {func(i *Input) { i.Deployment.Router.Requests.CPU = "much" }, `requests: cpu "much"`},
		"limits":        {func(i *Input) { i.Deployment.Router.Limits.Memory = "1X" }, `limits: memory "1X"`},
		"not sealed":    {func(i *Input) { i.Plan.Revision = "" }, "not sealed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := input(t, "testdata/embedded.in.yaml")
			tt.edit(&in)
			if _, err := Region(in); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestSecretsHoldWhatWasGiven(t *testing.T) {
	s, err := Credentials("demo", "us-east", "demo-us-east", map[string]map[string][]byte{"pingpong": {"key": []byte("s3cret")}})
	if err != nil {
		t.Fatal(err)
	}
	data, _, _ := unstructured.NestedStringMap(s.Object, "data")
	if want := base64.StdEncoding.EncodeToString([]byte("s3cret")); data["pingpong.key"] != want || s.GetName() != "qiantang-us-east-credentials" {
		t.Errorf("got %v in %s", data, s.GetName())
	}
	if _, err := Credentials("demo", "us-east", "x", map[string]map[string][]byte{"a_b": {}}); err == nil {
		t.Error("a name with an underscore was taken")
	}
	s, err = LedgerSecret("demo", "us-east", "demo-us-east", []byte("postgres://"))
	if err != nil {
		t.Fatal(err)
	}
	data, _, _ = unstructured.NestedStringMap(s.Object, "data")
	if data["dsn"] == "" || s.GetLabels()[delivery.LabelManagedBy] != delivery.ManagedBy {
		t.Errorf("got %v", s.Object)
	}
}

func TestARunRequestSaysWhatIsAsked(t *testing.T) {
	u, err := RunRequest("demo", "us-east", "demo-us-east", plan.RunRequest{Name: "now", Schedule: "daily"})
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := unstructured.NestedString(u.Object, "data", delivery.KeyRequest)
	var req plan.RunRequest
	if err := json.Unmarshal([]byte(text), &req); err != nil || req.Schedule != "daily" || u.GetLabels()[delivery.LabelRun] != "now" {
		t.Errorf("got %v, %v", u.Object, err)
	}
}
