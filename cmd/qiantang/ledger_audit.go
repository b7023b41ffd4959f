package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/audit"
	"qiantang.dev/rails/internal/ledger/merkle"
)

func newLedgerVerifyCommand(f *ledgerFlags) *cobra.Command {
	var keyFile string
	var workers int
	c := &cobra.Command{
		Use:   "verify",
		Short: "Prove the whole journal, and every balance from it",
		Long: "Read every entry, hash it into the Merkle log again, add up every balance and window position, and name whatever does not agree.\n" +
			"With --key the checkpoints' signatures are checked too. Exit status 1: something does not agree.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			key, err := publicKey(keyFile)
			if err != nil {
				return err
			}
			return f.with(c.Context(), func(l readable) error {
				bar := newBar(c.ErrOrStderr(), "entries")
				begin := time.Now()
				rep, err := audit.Verify(c.Context(), l, audit.Options{Key: key, Workers: workers, Progress: bar.show})
				bar.done()
				if err != nil {
					return err
				}
				return printAudit(c.OutOrStdout(), rep, time.Since(begin))
			})
		},
	}
	c.Flags().StringVar(&keyFile, "key", "", "file with the ledger's public key")
	c.Flags().IntVar(&workers, "workers", 2, "how many connections read at once")
	return c
}

func printAudit(w io.Writer, rep *audit.Report, took time.Duration) error {
	for _, f := range rep.Findings {
		if _, err := fmt.Fprintln(w, "WRONG:", f); err != nil {
			return err
		}
	}
	if n := len(rep.Findings) + rep.More; n > 0 {
		return fmt.Errorf("the books are not proven: %d findings in %d entries", n, rep.Entries)
	}
	if last := rep.Last; last != nil {
		if _, err := fmt.Fprintf(w, "last checkpoint: %d entries, by %s, root %x\n", last.Size, last.Origin, last.Root); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "proven: %d entries, %d accounts, %d records, %d checkpoints in %s (%.0f entries/s)\nroot %x\n",
		rep.Entries, rep.Accounts, rep.Records, rep.Checkpoints, took.Round(time.Millisecond), float64(rep.Entries)/took.Seconds(), rep.Root)
	return err
}

func newLedgerProveCommand(f *ledgerFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "prove ENTRY",
		Short: "Print a proof that an entry is in the log of the last checkpoint",
		Long: "Print a proof, as JSON, that the entry (its number, or its transfer's ID) is in the log of the last signed checkpoint. Whoever has\n" +
			"the ledger's public key checks it with `qiantang ledger check`, without the ledger.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c.Context(), func(l readable) error {
				seq, err := entryNumber(c.Context(), l, args[0])
				if err != nil {
					return err
				}
				last, err := l.LastCheckpoint(c.Context())
				var none *ledger.NotFoundError
				if errors.As(err, &none) {
					return errors.New("no checkpoint was signed yet: see `qiantang ledger checkpoint`")
				}
				if err != nil {
					return err
				}
				p, err := audit.Prove(c.Context(), l, seq, last.Note)
				if err != nil {
					return err
				}
				out := json.NewEncoder(c.OutOrStdout())
				out.SetIndent("", "  ")
				return out.Encode(p)
			})
		},
	}
}

func entryNumber(ctx context.Context, l readable, arg string) (uint64, error) {
	if seq, err := strconv.ParseUint(arg, 10, 64); err == nil {
		return seq, nil
	}
	id, err := uuid.Parse(arg)
	if err != nil {
		return 0, fmt.Errorf("entry %q: neither a number nor a transfer's ID", arg)
	}
	e, err := l.EntryByID(ctx, id)
	return e.Seq, err
}

func newLedgerCheckCommand() *cobra.Command {
	var keyFile string
	c := &cobra.Command{
		Use:   "check PROOF",
		Short: "Check a proof with the ledger's public key, without the ledger",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			key, err := publicKey(keyFile)
			if err != nil {
				return err
			}
			b, err := readArg(args[0], c.InOrStdin())
			if err != nil {
				return err
			}
			var p audit.Proof
			if err := json.Unmarshal(b, &p); err != nil {
				return fmt.Errorf("proof %s: %w", args[0], err)
			}
			e, cp, err := audit.Check(&p, key)
			if err != nil {
				return fmt.Errorf("proof %s: %w", args[0], err)
			}
			text, err := json.MarshalIndent(audit.Readable(&e), "", "  ")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "proven by %s: entry %d of %d is\n%s\n", cp.Origin, e.Seq, cp.Size, text)
			return err
		},
	}
	c.Flags().StringVar(&keyFile, "key", "", "file with the ledger's public key")
	_ = c.MarkFlagRequired("key")
	return c
}

func newLedgerKeygenCommand() *cobra.Command {
	var name, out string
	c := &cobra.Command{
		Use:   "keygen",
		Short: "Make a key pair to sign checkpoints with",
		Long:  "Make an ed25519 key pair: the secret key goes to FILE, which must not exist, the public key to FILE.pub and standard output.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			secret, public, err := merkle.NewKey(name)
			if err != nil {
				return err
			}
			k, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return fmt.Errorf("--out: %w", err)
			}
			_, err = fmt.Fprintln(k, secret)
			if err = errors.Join(err, k.Close()); err != nil {
				return err
			}
			if err := os.WriteFile(out+".pub", []byte(public+"\n"), 0o644); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), public)
			return err
		},
	}
	c.Flags().StringVar(&name, "name", "", "the ledger's name, such as demo/us-east")
	c.Flags().StringVar(&out, "out", "", "file for the secret key")
	_, _ = c.MarkFlagRequired("name"), c.MarkFlagRequired("out")
	return c
}

func newLedgerCheckpointCommand(f *ledgerFlags) *cobra.Command {
	var keyFile string
	c := &cobra.Command{
		Use:   "checkpoint",
		Short: "Sign what the books are now, keep it and print it",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := os.ReadFile(keyFile)
			if err != nil {
				return fmt.Errorf("--key: %w", err)
			}
			signer, err := note.NewSigner(strings.TrimSpace(string(b)))
			if err != nil {
				return fmt.Errorf("--key %s: %w", keyFile, err)
			}
			return f.with(c.Context(), func(l readable) error {
				signed, err := audit.Sign(c.Context(), l, signer)
				if err != nil {
					return err
				}
				_, err = fmt.Fprint(c.OutOrStdout(), signed)
				return err
			})
		},
	}
	c.Flags().StringVar(&keyFile, "key", "", "file with the secret key")
	_ = c.MarkFlagRequired("key")
	return c
}

// publicKey reads a public key; no file is no key.
func publicKey(file string) (note.Verifier, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	key, err := note.NewVerifier(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, fmt.Errorf("--key %s: %w", file, err)
	}
	return key, nil
}

// readArg reads the file, or standard input for "-".
func readArg(file string, in io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(file)
}
