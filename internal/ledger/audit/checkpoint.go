package audit

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/merkle"
	"qiantang.dev/rails/internal/ledger/reader"
)

// Signable is a store that keeps checkpoints.
type Signable interface {
	Head(ctx context.Context) (engine.Head, error)
	LastCheckpoint(ctx context.Context) (reader.Checkpoint, error)
	SaveCheckpoint(ctx context.Context, size uint64, note string) error
}

// Sign signs a checkpoint of the books as they stand and keeps it. Where nothing was booked since the last one, that is returned.
func Sign(ctx context.Context, l Signable, signer note.Signer) (string, error) {
	head, err := l.Head(ctx)
	if err != nil {
		return "", err
	}
	last, err := l.LastCheckpoint(ctx)
	var none *ledger.NotFoundError
	switch {
	case err == nil && last.Size == head.Seq:
		return last.Note, nil
	case err != nil && !errors.As(err, &none):
		return "", err
	}
	journal, err := merkle.Open(head.Seq, head.Journal)
	if err != nil {
		return "", fmt.Errorf("journal's frontier: %w", err)
	}
	accounts, err := merkle.Open(head.Accounts, head.AccountLog)
	if err != nil {
		return "", fmt.Errorf("accounts' frontier: %w", err)
	}
	c := merkle.Checkpoint{Size: head.Seq, Root: journal.Root(), Accounts: head.Accounts, AccountRoot: accounts.Root()}
	signed, err := c.Sign(signer)
	if err != nil {
		return "", err
	}
	return signed, l.SaveCheckpoint(ctx, head.Seq, signed)
}
