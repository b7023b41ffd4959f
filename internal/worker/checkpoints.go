package worker

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/mod/sumdb/note"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger/audit"
	"qiantang.dev/rails/internal/ledger/reader"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/pkg/client"
)

// newKeeper makes who signs checkpoints: settlers do, on a ledger that keeps them.
func (w *Worker) newKeeper() *audit.Keeper {
	l, ok := w.opt.Ledger.(audit.Keepable)
	if !ok || !slices.Contains(w.opt.Roles, RoleSettler) {
		return nil
	}
	log := w.opt.Log.WithName("checkpoints")
	return audit.NewKeeper(w.opt.ID, l, w.opt.Clock, func(err error) { log.Error(err, "no checkpoint could be signed; trying again") })
}

// signer is what the plan wants checkpoints signed with; nil where it wants none of this worker. Errors do not show the key.
func (w *Worker) signer(r *plan.Region, creds fx.Credentials) (note.Signer, time.Duration, error) {
	if r.Checkpoints == nil || w.keeper == nil {
		return nil, 0, nil
	}
	key := strings.TrimSpace(string(creds[plan.LedgerMaterial][plan.MaterialCheckpointKey]))
	if key == "" {
		return nil, 0, fmt.Errorf("checkpoints: the key to sign them with is missing or empty")
	}
	s, err := note.NewSigner(key)
	if err != nil {
		return nil, 0, fmt.Errorf("checkpoints: the key is none that `qiantang ledger keygen` makes")
	}
	return s, r.Checkpoints.Every.D(), nil
}

// checkpointed is a ledger whose checkpoints can be listed.
type checkpointed interface {
	CheckpointsAfter(ctx context.Context, after uint64, limit int) ([]reader.Checkpoint, error)
}

type checkpointQuery struct {
	After int64 `query:"after" minimum:"0" doc:"Only checkpoints of more entries than these"`
	Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func registerCheckpoints(api huma.API, l checkpointed) {
	huma.Register(api, huma.Operation{
		OperationID: "list-checkpoints", Method: http.MethodGet, Path: "/v1/checkpoints", Summary: "Signed checkpoints of the books", Tags: []string{"Ledger"},
	}, func(ctx context.Context, q *checkpointQuery) (*struct{ Body client.CheckpointList }, error) {
		found, err := l.CheckpointsAfter(ctx, uint64(q.After), q.Limit) //nolint:gosec // not below zero
		if err != nil {
			return nil, huma.Error503ServiceUnavailable("the ledger cannot be read: " + err.Error())
		}
		out := client.CheckpointList{Checkpoints: make([]client.Checkpoint, len(found))}
		for i, c := range found {
			out.Checkpoints[i] = client.Checkpoint{Size: int64(c.Size), Note: c.Note} //nolint:gosec // sequence numbers fit
		}
		if n := len(found); n == q.Limit {
			out.Next = out.Checkpoints[n-1].Size
		}
		return &struct{ Body client.CheckpointList }{out}, nil
	})
}
