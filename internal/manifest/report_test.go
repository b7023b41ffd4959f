package manifest

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// edited is a copy of the samples with one text replaced by another.
func edited(t *testing.T, replace, with string) *Bundle {
	t.Helper()
	files := map[string]string{}
	paths, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	done := replace == ""
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if !done && strings.Contains(text, replace) {
			text, done = strings.Replace(text, replace, with, 1), true
		}
		files[filepath.Base(path)] = text
	}
	if !done {
		t.Fatalf("%q is in no sample", replace)
	}
	b, found, err := Load(t.Context(), folder(t, files), now)
	if err != nil || len(found) > 0 {
		t.Fatal(found, err)
	}
	return b
}

var revision = regexp.MustCompile(`[0-9a-f]{16}`)

func TestAPlanSaysWhatWouldChangeAndWhere(t *testing.T) {
	corridors, err := os.ReadFile("../../config/samples/70-corridors.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(string(corridors), "# Renminbi from China")
	for name, c := range map[string]struct{ replace, with, want string }{
		"nothing": {"", "", "nothing would change\n"},
		"a fee": {"basisPoints: 50", "basisPoints: 55",
			"region us-east: revision R -> R\n  ~ PaymentCorridor/us-cn changed\n      feeTiers[0].bps: 50 -> 55\n"},
		"a size alone": {"memory: 128Mi", "memory: 256Mi",
			"region cn-hangzhou: revision R -> R\n  ~ Deployment/demo-cn-hangzhou changed\n      router.requests.memory: 128Mi -> 256Mi\n"},
		"a corridor that goes": {"---\n# Renminbi from China" + last, "",
			"region cn-hangzhou: revision R -> R\n  ! PaymentCorridor/cn-us draining\n"},
		"a corridor that becomes invalid": {"    - name: fednow\n", "    - name: fedever\n",
			"not valid, stays as it is: 70-corridors.yaml: PaymentCorridor/cn-us: spec.rails[1].name: \"fedever\": no PaymentRail of this name\nnothing would change\n"},
		"a corridor that moves": {"  regions:\n    - eu-frankfurt\n", "  regions:\n    - cn-hangzhou\n",
			"region cn-hangzhou: revision R -> R\n  + PaymentCorridor/de-cn added\n  + PaymentRail/cips added\n  + PaymentRail/cnaps added\n  + PaymentRail/cnaps-beps added\n" +
				"region eu-frankfurt: revision R -> R\n  ! PaymentCorridor/de-cn draining\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if _, err := WritePlan(&out, edited(t, c.replace, c.with), nil, edited(t, "", "")); err != nil {
				t.Fatal(err)
			}
			if got := revision.ReplaceAllString(out.String(), "R"); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func TestAPlanAgainstNothingAddsEverything(t *testing.T) {
	var out bytes.Buffer
	if _, err := WritePlan(&out, edited(t, "", ""), nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"region us-east: revision - -> ", "  + Region/us-east added\n", "  + PaymentCorridor/us-cn added\n", "  + Participant/qiantang-pay added\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestAPlanThatCannotBeWrittenIsAnError(t *testing.T) {
	if _, err := WritePlan(full{}, edited(t, "", ""), nil, nil); err == nil || err.Error() != "full" {
		t.Errorf("got %v", err)
	}
}
