package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"qiantang.dev/rails/internal/fx/openfx/conformance"
)

func newSimConformanceCommand() *cobra.Command {
	var t conformance.Target
	var tokenFile, keyFile, pair string
	cmd := &cobra.Command{
		Use:   "conformance URL",
		Short: "Check a provider's Open FX server against the contract",
		Long: `Makes every check of the Open FX contract (api/openfx/openapi.yaml) that can be seen from outside, and says which fail.
It pays small amounts: run it against a sandbox.`,
		Example: `  qiantang sim conformance http://127.0.0.1:9090/openfx --client-id qiantang-demo \
    --token-file sim-keys/openfx-token --signing-key-file sim-keys/openfx-signing-key`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t.URL = args[0]
			var err error
			if t.Token, err = secretFile("--token-file", tokenFile); err != nil {
				return err
			}
			if t.SigningKey, err = secretFile("--signing-key-file", keyFile); err != nil {
				return err
			}
			var ok bool
			if t.Sell, t.Buy, ok = strings.Cut(pair, "/"); !ok {
				return fmt.Errorf("--pair %q: want two currencies such as USD/CNY", pair)
			}
			out := cmd.OutOrStdout()
			failed := conformance.Run(cmd.Context(), t, func(r conformance.Result) {
				if r.Err != nil {
					_, _ = fmt.Fprintf(out, "FAIL  %s: %v\n", r.Name, r.Err)
					return
				}
				_, _ = fmt.Fprintf(out, "ok    %s\n", r.Name)
			})
			if failed > 0 {
				return fmt.Errorf("%d of %d checks failed", failed, len(conformance.Names()))
			}
			_, err = fmt.Fprintf(out, "%d checks, the server conforms\n", len(conformance.Names()))
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&t.ClientID, "client-id", "", "value of OpenFX-Client")
	f.StringVar(&tokenFile, "token-file", "", "file with the bearer token")
	f.StringVar(&keyFile, "signing-key-file", "", "file with the signing key")
	f.StringVar(&pair, "pair", "USD/CNY", "a pair that the provider deals in")
	return cmd
}

// secretFile reads a secret from a file: secrets are never arguments, where any process could read them.
func secretFile(flag, path string) (string, error) {
	if path == "" {
		return "", fmt.Errorf("%s: want a file", flag)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	return strings.TrimSpace(string(b)), nil
}
