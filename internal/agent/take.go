package agent

import (
	"context"
	"errors"
	"fmt"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/plan"
)

// takePlan hands the engine the plan and credentials in the namespace, where either is not what it has. What was refused is tried again
// when something has changed, and with each heartbeat (again): a refusal may have had a passing cause.
func (a *Agent) takePlan(ctx context.Context, again bool) {
	cm := a.watch.index()
	if cm == nil {
		return
	}
	credentials, secretRV := a.watch.credentials()
	index, err := delivery.DecodeIndex(cm.Data)
	if err != nil {
		a.refuse("index "+cm.ResourceVersion, secretRV, err)
		return
	}
	if a.served != nil && a.served.Revision == index.Revision && a.secretRV == secretRV {
		a.refused, a.reason, a.refusedRV = "", "", ""
		return
	}
	if a.refused == index.Revision && a.refusedRV == secretRV && !again {
		return
	}
	next := a.served
	if next == nil || next.Revision != index.Revision {
		next, err = delivery.Decode(index, a.watch.shard)
		var missing *delivery.Missing
		if errors.As(err, &missing) {
			return // Its arrival wakes us.
		}
		if err == nil && (next.Name != a.Region || next.Institution != a.Institution) {
			err = fmt.Errorf("the plan is for region %s of %s, this is region %s of %s", next.Name, next.Institution, a.Region, a.Institution)
		}
	}
	if err == nil {
		err = a.switchTo(ctx, next, credentials)
	}
	if err != nil {
		a.refuse(index.Revision, secretRV, err)
		return
	}
	a.Log.Info("serving", "region", a.Region, "revision", next.Revision, "corridors", len(next.Corridors))
	a.served, a.secretRV = next, secretRV
	a.refused, a.reason, a.refusedRV = "", "", ""
}

func (a *Agent) switchTo(ctx context.Context, r *plan.Region, credentials fx.Credentials) (err error) {
	ctx, cancel := context.WithTimeout(ctx, switchTimeout)
	defer cancel()
	// A plan that makes the engine panic must not take down a worker that serves a good one.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the engine panicked: %v", p)
		}
	}()
	return a.Worker.Switch(ctx, r, credentials)
}

func (a *Agent) refuse(revision, secretRV string, err error) {
	if a.refused != revision || a.reason != err.Error() {
		a.Log.Error(err, "refused; what was served before goes on", "region", a.Region, "revision", revision)
	}
	a.refused, a.reason, a.refusedRV = revision, err.Error(), secretRV
}
