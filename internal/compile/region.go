package compile

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/plan"
)

func (c *compilation) compileRegion(r *v1alpha1.Region) (plan.Deployment, findings) {
	var f findings
	spec := &r.Spec
	f.country("spec.jurisdiction", spec.Jurisdiction)
	d := plan.Deployment{
		Namespace: or(spec.Namespace, c.Institution+"-"+r.Name),
		Image:     spec.Image,
		Service:   plan.Service{Type: string(or(spec.Service.Type, defaultServiceType)), NodePort: spec.Service.NodePort},
	}
	if len(d.Namespace) > maxNamespaceLength {
		f.invalid(v1alpha1.ReasonInvalidValue, "spec.namespace", d.Namespace, "is longer than %d characters", maxNamespaceLength)
	}
	if spec.Cluster.Type == v1alpha1.RegionClusterKubeconfig {
		ref := spec.Cluster.KubeconfigSecretRef
		d.Kubeconfig = &plan.SecretKey{Name: ref.Name, Key: or(ref.Key, defaultKubeconfigKey)}
		c.secretKeys(&f, "spec.cluster.kubeconfigSecretRef.name", ref.Name, d.Kubeconfig.Key)
	}
	switch spec.Ledger.Type {
	case v1alpha1.RegionLedgerPostgreSQL:
		ref := spec.Ledger.PostgreSQL.DSNSecretRef
		d.PostgreSQL = &plan.PostgreSQLLedger{DSN: plan.SecretKey{Name: ref.Name, Key: or(ref.Key, defaultDSNKey)}}
		c.secretKeys(&f, "spec.ledger.postgreSQL.dsnSecretRef.name", ref.Name, d.PostgreSQL.DSN.Key)
		if owner := spec.Ledger.PostgreSQL.MigrationDSNSecretRef; owner.Name != "" {
			d.PostgreSQL.Owner = &plan.SecretKey{Name: owner.Name, Key: or(owner.Key, defaultDSNKey)}
			c.secretKeys(&f, "spec.ledger.postgreSQL.migrationDSNSecretRef.name", owner.Name, d.PostgreSQL.Owner.Key)
			if *d.PostgreSQL.Owner == d.PostgreSQL.DSN {
				f.invalid(v1alpha1.ReasonInvalidValue, "spec.ledger.postgreSQL.migrationDSNSecretRef.name", owner.Name, "is dsnSecretRef's own key: leave it out, or name another role's")
			}
		}
		d.Router = f.pool("spec.workers.router", spec.Workers.Router, defaultReplicas)
		d.Settler = f.pool("spec.workers.settler", spec.Workers.Settler, defaultReplicas)
	default:
		embedded := spec.Ledger.Embedded
		d.Embedded = &plan.EmbeddedLedger{Size: defaultVolume, StorageClass: embedded.StorageClassName}
		if q := embedded.Size; q != nil {
			d.Embedded.Size = f.quantity("spec.ledger.embedded.size", q)
		}
		d.Router = f.pool("spec.workers.router", spec.Workers.Router, 1)
	}
	c.checkWebhooks(&f, r)
	_, materials := f.checkpoints(&spec.Ledger)
	for _, m := range append(materials, f.access(&spec.API).materials...) {
		c.secretKeys(&f, m.field, m.Secret.Name, m.Secret.Key)
		d.Materials = append(d.Materials, m.Material)
	}
	f.regionConflict(c, r, d)
	return d, f
}

// regionConflict refuses a region whose workers would share a namespace with an older region's: names would meet there.
func (f *findings) regionConflict(c *compilation, r *v1alpha1.Region, d plan.Deployment) {
	place := d.Namespace
	if d.Kubeconfig != nil {
		place += " of cluster " + d.Kubeconfig.Name + "/" + d.Kubeconfig.Key
	}
	if first, taken := c.places[place]; taken {
		f.invalid(v1alpha1.ReasonConflict, "spec.namespace", d.Namespace, "is already the namespace of Region %q in the same cluster", first)
		return
	}
	c.places[place] = r.Name
}

func (f *findings) pool(field string, p v1alpha1.WorkerPool, replicas int32) plan.Pool {
	out := plan.Pool{
		Replicas: or(p.Replicas, replicas),
		Requests: plan.Resources{CPU: defaultCPURequest, Memory: defaultMemoryRequest},
		Limits:   plan.Resources{Memory: defaultMemoryLimit},
	}
	if a := p.Autoscaling; a.MaxReplicas > 0 {
		out.Replicas = a.MinReplicas
		out.Autoscale = &plan.Autoscale{Min: a.MinReplicas, Max: a.MaxReplicas, TargetCPU: or(a.TargetCPUPercent, defaultTargetCPU)}
	}
	for _, r := range []struct {
		field string
		from  *resource.Quantity
		to    *string
	}{
		{".resources.requests.cpu", p.Resources.Requests.CPU, &out.Requests.CPU},
		{".resources.requests.memory", p.Resources.Requests.Memory, &out.Requests.Memory},
		{".resources.limits.cpu", p.Resources.Limits.CPU, &out.Limits.CPU},
		{".resources.limits.memory", p.Resources.Limits.Memory, &out.Limits.Memory},
	} {
		if r.from != nil {
			*r.to = f.quantity(field+r.field, r.from)
		}
	}
	if p.Resources.Limits.Memory == nil && p.Resources.Requests.Memory != nil {
		// The default limit must not undercut a request that was asked for.
		if asked := p.Resources.Requests.Memory; asked.Cmp(resource.MustParse(defaultMemoryLimit)) > 0 {
			out.Limits.Memory = asked.String()
		}
	}
	f.within(field+".resources.limits.cpu", out.Requests.CPU, out.Limits.CPU)
	f.within(field+".resources.limits.memory", out.Requests.Memory, out.Limits.Memory)
	return out
}

func (f *findings) quantity(field string, q *resource.Quantity) string {
	if q.Sign() <= 0 {
		f.invalid(v1alpha1.ReasonInvalidValue, field, q.String(), "must be more than zero")
	}
	return q.String()
}

// within refuses a limit below the request, which an API server would refuse of a pod.
func (f *findings) within(field, request, limit string) {
	if request == "" || limit == "" {
		return
	}
	r, errR := resource.ParseQuantity(request)
	l, errL := resource.ParseQuantity(limit)
	if errR == nil && errL == nil && r.Cmp(l) > 0 {
		f.invalid(v1alpha1.ReasonInvalidValue, field, limit, "is less than the request, %s", request)
	}
}

func effectiveRegion(d plan.Deployment, corridors int) *v1alpha1.RegionEffective {
	n, router := int32(min(corridors, 1<<30)), d.Router.Replicas //nolint:gosec // bounded on the same line
	e := &v1alpha1.RegionEffective{Namespace: d.Namespace, Image: d.Image, RouterReplicas: &router, Corridors: &n}
	if d.PostgreSQL != nil {
		settler := d.Settler.Replicas
		e.SettlerReplicas = &settler
	}
	return e
}

// credentials are the Secrets that a plan's providers and webhooks need.
func credentials(p *plan.Region) []string {
	var out []string
	for _, provider := range p.Providers {
		if provider.Credentials != "" {
			out = append(out, provider.Credentials)
		}
	}
	for _, w := range p.Webhooks {
		out = append(out, w.Credentials)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
