package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// runCommand runs a command with arguments, and returns what it printed.
func runCommand(t *testing.T, cmd *cobra.Command, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestValidateSaysThatTheSamplesAreValid(t *testing.T) {
	out, err := runCommand(t, newValidateCommand(), "-f", "../../config/samples")
	if err != nil || !strings.HasPrefix(out, "valid: institution demo with 3 regions, 3 corridors") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestValidatePrintsEachFindingAndFails(t *testing.T) {
	dir := t.TempDir()
	doc := "apiVersion: rails.qiantang.dev/v1alpha1\nkind: Participant\nmetadata: {name: p}\nspec: {legalName: P, lei: QTDEMO00PINGPONG0127, bic: BANKQQ33}\n"
	if err := os.WriteFile(filepath.Join(dir, "p.yaml"), []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := runCommand(t, newValidateCommand(), "-f", dir)
	if err == nil || !strings.Contains(err.Error(), "2 findings") || strings.Count(out, "p.yaml: Participant/p: spec.") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPlanAgainstItselfChangesNothing(t *testing.T) {
	out, err := runCommand(t, newPlanCommand(), "-f", "../../config/samples", "--against", "../../config/samples")
	if err != nil || out != "nothing would change\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPlanAgainstNothingOrWhatIsNotThere(t *testing.T) {
	if out, err := runCommand(t, newPlanCommand(), "-f", "../../config/samples"); err != nil || !strings.Contains(out, "+ PaymentCorridor/us-cn added") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := runCommand(t, newPlanCommand(), "-f", "../../config/samples", "--against", filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("compared with a folder that does not exist")
	}
	if _, err := runCommand(t, newPlanCommand()); err == nil || !strings.Contains(err.Error(), "filename") {
		t.Errorf("without -f: %v", err)
	}
}
