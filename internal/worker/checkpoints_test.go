package worker

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/ledgertest"
	"qiantang.dev/rails/internal/ledger/merkle"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/pkg/client"
)

func TestSettlersSignCheckpointsThatTheAPIShows(t *testing.T) {
	w, books := newWorker(t, RoleSettler)
	secret, public, err := merkle.NewKey("demo/us-east")
	if err != nil {
		t.Fatal(err)
	}
	signed := sealed(t, plan.Region{Institution: "demo", Name: "us-east", Checkpoints: &plan.Checkpoints{Every: plan.Text(time.Minute)}})
	keyed := func(key string) fx.Credentials {
		return fx.Credentials{plan.LedgerMaterial: {plan.MaterialCheckpointKey: []byte(key)}}
	}
	for says, creds := range map[string]fx.Credentials{"missing or empty": nil, "keygen": keyed("PRIVATE+KEY+s3cret"), "keygen` makes": keyed(public)} {
		if err := w.Switch(t.Context(), signed, creds); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got %v, want %q in it", err, says)
		}
	}
	router, _ := newWorker(t, RoleRouter)
	if err := router.Switch(t.Context(), signed, nil); err != nil {
		t.Errorf("a router signs nothing: %v", err)
	}
	if err := w.Switch(t.Context(), signed, keyed(secret+"\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := books.Apply(t.Context(), ledger.Commit{
		Accounts: ledgertest.Fixtures(), Transfers: []ledger.Transfer{ledgertest.Move(ledgertest.Funding, ledgertest.Alice, ledgertest.USD(100))},
	}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	var list client.CheckpointList
	for len(list.Checkpoints) == 0 && t.Context().Err() == nil {
		code, body := get(t, w, "/v1/checkpoints")
		if err := json.Unmarshal([]byte(body), &list); err != nil || code != http.StatusOK {
			t.Fatalf("%d %s", code, body)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	key, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	c, err := merkle.OpenCheckpoint(list.Checkpoints[0].Note, key)
	if err != nil || c.Size != 1 || list.Checkpoints[0].Size != 1 || c.Origin != "demo/us-east" {
		t.Errorf("%+v, %v", c, err)
	}
	if code, body := get(t, w, "/v1/checkpoints?after=1"); code != http.StatusOK || !strings.Contains(body, `"checkpoints":[]`) {
		t.Errorf("%d %s", code, body)
	}
	if code, body := get(t, w, "/v1/checkpoints?after=-1"); code != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", code, body)
	}
}
