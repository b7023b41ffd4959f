package render

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/plan"
)

// Input is what a region's objects are made from.
type Input struct {
	// Plan is sealed.
	Plan       *plan.Region
	Deployment plan.Deployment
	// Image of the workers where Deployment names none.
	Image string
	// LedgerVersion tells one version of a PostgreSQL ledger's DSN from another: what is new is migrated, and workers roll onto it.
	LedgerVersion string
	// OwnerVersion likewise of the DSN of the schema's owner, where there is one: it begins a migration, and is nothing to the workers.
	OwnerVersion string
}

// Objects are a region's, in the order in which they are to be applied.
type Objects struct {
	// Configuration is what workers may do and serve: access, Service, shards, and last the index that refers to them.
	Configuration []*unstructured.Unstructured
	// Migration is a Job that must have succeeded before Workload is applied; nil where there is nothing to migrate.
	Migration *unstructured.Unstructured
	// Workload runs the workers.
	Workload []*unstructured.Unstructured
}

// Region renders all but Secrets, which Credentials and LedgerSecret make.
func Region(in Input) (Objects, error) {
	r := region{Input: in}
	if r.Deployment.Image != "" {
		r.Image = r.Deployment.Image
	}
	if r.Image == "" {
		return Objects{}, fmt.Errorf("region %s: no image for its workers", in.Plan.Name)
	}
	if (in.Deployment.Embedded == nil) == (in.Deployment.PostgreSQL == nil) {
		return Objects{}, fmt.Errorf("region %s: exactly one of an embedded and a PostgreSQL ledger is needed", in.Plan.Name)
	}
	var out Objects
	configuration, err := r.configuration()
	if err != nil {
		return Objects{}, err
	}
	var workload []any
	var configured []any
	for _, p := range r.pools() {
		configured = append(configured, r.access(p)...)
		objects, err := r.workload(p)
		if err != nil {
			return Objects{}, err
		}
		workload = append(workload, objects...)
	}
	configured = append(configured, r.service())
	configured = append(configured, configuration...)
	if out.Configuration, err = toUnstructured(configured); err != nil {
		return Objects{}, err
	}
	if out.Workload, err = toUnstructured(workload); err != nil {
		return Objects{}, err
	}
	if in.Deployment.PostgreSQL != nil {
		job, err := toUnstructured([]any{r.migration()})
		if err != nil {
			return Objects{}, err
		}
		out.Migration = job[0]
	}
	return out, nil
}

// Credentials renders the Secret with the region's provider credentials, by Provider.Credentials.
func Credentials(institution, name, namespace string, byName map[string]map[string][]byte) (*unstructured.Unstructured, error) {
	data, err := delivery.FlattenCredentials(byName)
	if err != nil {
		return nil, fmt.Errorf("region %s: %w", name, err)
	}
	return secret(institution, name, namespace, delivery.CredentialsName(name), data)
}

// LedgerSecret renders the Secret with the DSN of the region's PostgreSQL ledger.
func LedgerSecret(institution, name, namespace string, dsn []byte) (*unstructured.Unstructured, error) {
	return secret(institution, name, namespace, LedgerSecretName(name), map[string][]byte{delivery.KeyDSN: dsn})
}

// OwnerSecret renders the Secret with the DSN of the schema's owner, which the migration's Job alone mounts.
func OwnerSecret(institution, name, namespace string, dsn []byte) (*unstructured.Unstructured, error) {
	return secret(institution, name, namespace, OwnerSecretName(name), map[string][]byte{delivery.KeyDSN: dsn})
}

func secret(institution, region, namespace, name string, data map[string][]byte) (*unstructured.Unstructured, error) {
	s := applycorev1.Secret(name, namespace).WithLabels(labels(institution, region, delivery.PartCredentials)).
		WithType(corev1.SecretTypeOpaque).WithData(data)
	out, err := toUnstructured([]any{s})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// Namespace renders the region's namespace. It may hold several regions of the institution and outlives them, so it has no label of
// one region.
func Namespace(institution, name string) (*unstructured.Unstructured, error) {
	out, err := toUnstructured([]any{applycorev1.Namespace(name).WithLabels(map[string]string{
		delivery.LabelInstitution:            institution,
		"pod-security.kubernetes.io/enforce": "restricted",
	})})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// RunRequest renders the ConfigMap that asks the region's settler for a settlement run.
func RunRequest(institution, region, namespace string, req plan.RunRequest) (*unstructured.Unstructured, error) {
	raw, err := json.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", req.Name, err)
	}
	l := labels(institution, region, delivery.PartRun)
	l[delivery.LabelRun] = req.Name
	out, err := toUnstructured([]any{applycorev1.ConfigMap(delivery.RunName(req.Name), namespace).WithLabels(l).
		WithData(map[string]string{delivery.KeyRequest: string(raw)})})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// region holds what the parts of one region share.
type region struct{ Input }

func (r region) name() string { return r.Plan.Name }
func (r region) ns() string   { return r.Deployment.Namespace }

func (r region) labels(part string) map[string]string {
	return labels(r.Plan.Institution, r.Plan.Name, part)
}

// LedgerSecretName is the name of the Secret with the DSN of a region's ledger.
func LedgerSecretName(region string) string { return "qiantang-" + region + "-ledger" }

// OwnerSecretName is the name of the Secret with the DSN of the schema's owner.
func OwnerSecretName(region string) string { return LedgerSecretName(region) + "-owner" }

func labels(institution, region, part string) map[string]string {
	return map[string]string{
		delivery.LabelInstitution: institution,
		delivery.LabelRegion:      region,
		delivery.LabelPart:        part,
		delivery.LabelManagedBy:   delivery.ManagedBy,
	}
}

func toUnstructured(in []any) ([]*unstructured.Unstructured, error) {
	out := make([]*unstructured.Unstructured, 0, len(in))
	for _, o := range in {
		raw, err := json.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("render: %w", err)
		}
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(raw); err != nil {
			return nil, fmt.Errorf("render: %w", err)
		}
		out = append(out, u)
	}
	return out, nil
}
