package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/fleet"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/render"
)

// connect gives the region's handle, and reads back what was last delivered. ErrNotConnected is not returned: the handle's reach says it.
func (r *Reconciler) connect(ctx context.Context, inst *institution, region *v1alpha1.Region) error {
	mem := inst.region(region.Name)
	target := fleet.Target{Namespace: region.Spec.Namespace}
	if target.Namespace == "" {
		target.Namespace = inst.name + "-" + region.Name
	}
	if ref := region.Spec.Cluster.KubeconfigSecretRef; ref.Name != "" {
		key := plan.SecretKey{Name: ref.Name, Key: ref.Key}
		if key.Key == "" {
			key.Key = "kubeconfig"
		}
		if inst.secrets[ref.Name].version == "" {
			return nil // Compiling says so. A connection that stands goes on.
		}
		// The Secret is read again only when it has changed.
		version := inst.secrets[ref.Name].version + "/" + key.Key
		if mem.handle == nil || mem.kubeconfigVersion != version {
			kubeconfig, err := r.readKey(ctx, inst.name, key)
			if err != nil {
				return err
			}
			mem.kubeconfig, mem.kubeconfigVersion = kubeconfig, version
		}
		target.Kubeconfig = mem.kubeconfig
	}
	handle, err := r.Fleet.Region(ctx, fleet.Key{Institution: inst.name, Region: region.Name}, target)
	if err != nil {
		return err
	}
	mem.handle = handle
	if mem.read {
		return nil
	}
	last, err := handle.Delivered(ctx)
	if errors.Is(err, fleet.ErrNotConnected) {
		return nil
	}
	if err != nil {
		return err
	}
	mem.last, mem.read = last, true
	if last != nil {
		return mem.history.add(last)
	}
	return nil
}

// deliver brings a region to what was compiled for it. extra objects are the region's too, such as requests for settlement runs.
// waiting says what the workers wait for before they are started.
func (r *Reconciler) deliver(ctx context.Context, inst *institution, name string, rp compile.RegionPlan, extra []*unstructured.Unstructured) (waiting string, err error) {
	mem := inst.region(name)
	if !mem.handle.Reach().Connected {
		return "", fleet.ErrNotConnected
	}
	if !mem.read {
		// Without knowing what is served there, a corridor that left meanwhile would not drain.
		return "", fmt.Errorf("what was last delivered has not been read back yet")
	}
	ns, err := render.Namespace(inst.name, rp.Deployment.Namespace)
	if err != nil {
		return "", err
	}
	if err := mem.handle.EnsureNamespace(ctx, ns); err != nil {
		return "", err
	}
	wanted, err := r.deliverSecrets(ctx, inst, name, mem, rp.Deployment)
	if err != nil {
		return "", err
	}
	objects, err := mem.render(inst, rp, r.WorkerImage)
	if err != nil {
		return "", err
	}
	if err := mem.history.add(rp.Plan); err != nil {
		return "", err
	}
	if _, err := mem.handle.Apply(ctx, objects.Configuration...); err != nil {
		return "", err
	}
	mem.last = rp.Plan
	if _, err := mem.handle.Apply(ctx, extra...); err != nil {
		return "", err
	}
	wanted = append(append(append(wanted, objects.Configuration...), extra...), objects.Workload...)
	if job := objects.Migration; job != nil {
		wanted = append(wanted, job)
		if waiting, err = migrate(ctx, mem.handle, job, rp.Deployment.PostgreSQL); err != nil {
			return waiting, err
		}
	}
	if waiting == "" {
		if _, err := mem.handle.Apply(ctx, objects.Workload...); err != nil {
			return "", err
		}
	}
	workers, err := mem.handle.Workers(ctx)
	if err != nil {
		return waiting, err
	}
	_, err = mem.handle.Prune(ctx, wanted, spare(workers, rp.Plan.Revision))
	return waiting, err
}

// migrate applies the migration, and says what is waited for until it is done.
func migrate(ctx context.Context, handle *fleet.Region, job *unstructured.Unstructured, pg *plan.PostgreSQLLedger) (waiting string, err error) {
	waiting = "job " + job.GetName() + " has not finished migrating the ledger yet"
	if _, err := handle.Apply(ctx, job); err != nil {
		return waiting, err
	}
	done, err := handle.Succeeded(ctx, job.GetName())
	if done {
		return "", nil
	}
	if err != nil && !errors.Is(err, fleet.ErrNotConnected) {
		dsn := pg.DSN
		if pg.Owner != nil {
			dsn = *pg.Owner
		}
		err = &migrationError{dsn: dsn, err: err}
	}
	return waiting, err
}

// migrationError says that a ledger could not be migrated, and which Secret leads to it.
type migrationError struct {
	dsn plan.SecretKey
	err error
}

func (e *migrationError) Error() string {
	return fmt.Sprintf("the ledger that key %q of Secret %q leads to cannot be migrated: %v", e.dsn.Key, e.dsn.Name, e.err)
}

func (e *migrationError) Unwrap() error { return e.err }

// reasonOf is the reason for a delivery that failed.
func reasonOf(err error) string {
	var migration *migrationError
	if errors.As(err, &migration) {
		return v1alpha1.ReasonMigrationFailed
	}
	return v1alpha1.ReasonApplyFailed
}

// spare keeps old shards until every worker serves the newest revision: one that is behind may still be putting its own together.
func spare(workers []fleet.Worker, revision string) func(client.Object) bool {
	behind := false
	for _, w := range workers {
		behind = behind || w.Revision != revision
	}
	return func(o client.Object) bool { return behind && o.GetLabels()[delivery.LabelPart] == delivery.PartShard }
}

// render renders, unless it is what was rendered last.
func (m *regionMemory) render(inst *institution, rp compile.RegionPlan, image string) (render.Objects, error) {
	var ledger, owner string
	if pg := rp.Deployment.PostgreSQL; pg != nil {
		ledger = inst.secrets[pg.DSN.Name].version
		if pg.Owner != nil {
			owner = inst.secrets[pg.Owner.Name].version
		}
	}
	deployment, err := json.Marshal(rp.Deployment)
	if err != nil {
		return render.Objects{}, err
	}
	id := rp.Plan.Revision + " " + image + " " + ledger + " " + owner + " " + string(deployment)
	if m.renderedFor == id {
		return m.rendered, nil
	}
	objects, err := render.Region(render.Input{Plan: rp.Plan, Deployment: rp.Deployment, Image: image, LedgerVersion: ledger, OwnerVersion: owner})
	if err != nil {
		return render.Objects{}, err
	}
	m.rendered, m.renderedFor = objects, id
	return objects, nil
}
