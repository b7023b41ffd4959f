package audit

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"qiantang.dev/rails/internal/ledger"
)

// Keepable is a store that checkpoints can be signed of by turns.
type Keepable interface {
	Signable
	Record(ctx context.Context, kind, key string) (ledger.Record, error)
	Apply(ctx context.Context, c ledger.Commit) (ledger.Receipt, error)
}

// The record that says when the next checkpoint is due.
const (
	turnKind = "checkpoint"
	turnKey  = "next"
)

// Keeper signs a checkpoint at each interval in which something was booked. Several may work on one ledger: whoever moves the record of the
// next turn on signs, so that there is one an interval.
type Keeper struct {
	ID     string
	Ledger Keepable
	Clock  func() time.Time
	// Failed is told what goes wrong. It is tried again, at the next turn at the latest.
	Failed func(error)

	order atomic.Pointer[order]
	wake  chan struct{}
}

// order is what to sign with, and how often.
type order struct {
	signer note.Signer
	every  time.Duration
}

// NewKeeper makes a Keeper that signs nothing before Use.
func NewKeeper(id string, l Keepable, clock func() time.Time, failed func(error)) *Keeper {
	return &Keeper{ID: id, Ledger: l, Clock: clock, Failed: failed, wake: make(chan struct{}, 1)}
}

// Use signs with signer from now on, every so often; a nil signer ends it.
func (k *Keeper) Use(signer note.Signer, every time.Duration) {
	if signer == nil {
		k.order.Store(nil)
	} else {
		k.order.Store(&order{signer, every})
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// retryAfter something failed.
const retryAfter = 10 * time.Second

// Run signs until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	for {
		wait, err := k.Step(ctx)
		if err != nil && ctx.Err() == nil {
			k.Failed(err)
			wait = retryAfter
		}
		var due <-chan time.Time
		timer := time.NewTimer(max(wait, time.Second))
		if wait > 0 {
			due = timer.C
		}
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-due:
		case <-k.wake:
		}
		timer.Stop()
	}
}

// Step signs a checkpoint where one is due and something was booked, and says when to look again: zero, when there is something to use.
func (k *Keeper) Step(ctx context.Context) (time.Duration, error) {
	o := k.order.Load()
	if o == nil {
		return 0, nil
	}
	now := k.Clock()
	turn, err := k.Ledger.Record(ctx, turnKind, turnKey)
	var none *ledger.NotFoundError
	if err != nil && !errors.As(err, &none) {
		return 0, err
	}
	// A turn that is further away than the interval is of an interval that was longer.
	if left := turn.Due.Sub(now); left > 0 && left <= o.every {
		return left, nil
	}
	if grown, err := k.grown(ctx); err != nil || !grown {
		return o.every, err
	}
	body, err := json.Marshal(map[string]any{"by": k.ID, "at": now})
	if err != nil {
		return 0, err
	}
	_, err = k.Ledger.Apply(ctx, ledger.Commit{Puts: []ledger.Put{{
		Kind: turnKind, Key: turnKey, Expect: turn.Version, State: "due", Due: now.Add(o.every), Body: body,
	}}})
	var taken *ledger.ConflictError
	if errors.As(err, &taken) {
		return o.every, nil
	}
	if err != nil {
		return 0, err
	}
	_, err = Sign(ctx, k.Ledger, o.signer)
	return o.every, err
}

// grown says whether something was booked since the last checkpoint.
func (k *Keeper) grown(ctx context.Context) (bool, error) {
	head, err := k.Ledger.Head(ctx)
	if err != nil {
		return false, err
	}
	last, err := k.Ledger.LastCheckpoint(ctx)
	var none *ledger.NotFoundError
	if err != nil && !errors.As(err, &none) {
		return false, err
	}
	return head.Seq > last.Size, nil
}
