package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/render"
)

var secretGVK = corev1.SchemeGroupVersion.WithKind("Secret")

// secretMetadata is how Secrets are cached: without their data.
func secretMetadata() *metav1.PartialObjectMetadata {
	o := &metav1.PartialObjectMetadata{}
	o.SetGroupVersionKind(secretGVK)
	return o
}

// lookUpSecrets finds out which keys each referred Secret has. A Secret is read only when it is a version not seen before.
func (r *Reconciler) lookUpSecrets(ctx context.Context, inst *institution, names map[string]bool) (map[string][]string, error) {
	found := map[string][]string{}
	seen := map[string]secretKeys{}
	for name := range names {
		seen[name] = secretKeys{}
		version, err := r.secretVersion(ctx, inst.name, name)
		if err != nil {
			return nil, err
		}
		if version == "" {
			continue
		}
		had := inst.secrets[name]
		if had.version != version {
			data, err := r.readSecret(ctx, inst.name, name)
			if client.IgnoreNotFound(err) != nil {
				return nil, err
			}
			if err != nil {
				continue
			}
			had = secretKeys{version: version, keys: slices.Sorted(maps.Keys(data))}
		}
		seen[name] = had
		found[name] = had.keys
	}
	inst.mu.Lock()
	inst.secrets = seen
	inst.mu.Unlock()
	return found, nil
}

// secretVersion is empty where there is no such Secret.
func (r *Reconciler) secretVersion(ctx context.Context, namespace, name string) (string, error) {
	o := secretMetadata()
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, o); err != nil {
		if client.IgnoreNotFound(err) == nil {
			return "", nil
		}
		return "", fmt.Errorf("secret %s: %w", name, err)
	}
	return string(o.UID) + "/" + o.ResourceVersion, nil
}

// readSecret asks the API server itself: no cache holds Secrets' data.
func (r *Reconciler) readSecret(ctx context.Context, namespace, name string) (map[string][]byte, error) {
	var s corev1.Secret
	if err := r.Reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &s); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, &secretGoneError{name}
		}
		return nil, fmt.Errorf("secret %s: %w", name, err)
	}
	return s.Data, nil
}

// secretGoneError says that a Secret which was delivered is no longer there. Its last content stays delivered, as the last good version
// of a resource does: a namespace that is deleted loses its Secrets first, and its corridors must still drain.
type secretGoneError struct{ name string }

func (e *secretGoneError) Error() string { return fmt.Sprintf("secret %q not found", e.name) }

func unlessGone(err error) error {
	var gone *secretGoneError
	if errors.As(err, &gone) {
		return nil
	}
	return err
}

func (r *Reconciler) readKey(ctx context.Context, namespace string, ref plan.SecretKey) ([]byte, error) {
	data, err := r.readSecret(ctx, namespace, ref.Name)
	if err != nil {
		return nil, err
	}
	value, ok := data[ref.Key]
	if !ok {
		return nil, fmt.Errorf("secret %s has no key %q", ref.Name, ref.Key)
	}
	return value, nil
}

// deliverSecrets copies into the region what its workers need, when it is not what was last copied. The objects returned are only
// their names, for pruning.
func (r *Reconciler) deliverSecrets(ctx context.Context, inst *institution, name string, mem *regionMemory, d plan.Deployment) ([]*unstructured.Unstructured, error) {
	var versions []string
	for _, c := range d.Credentials {
		versions = append(versions, c+"="+inst.secrets[c].version)
	}
	for _, m := range d.Materials {
		versions = append(versions, m.In+"/"+m.As+"="+m.Secret.Key+"="+inst.secrets[m.Secret.Name].version)
	}
	err := mem.handle.ApplyVersion(ctx, secretGVK, delivery.CredentialsName(name), strings.Join(versions, ","), func() (*unstructured.Unstructured, error) {
		byName := map[string]map[string][]byte{}
		for _, c := range d.Credentials {
			data, err := r.readSecret(ctx, inst.name, c)
			if err != nil {
				return nil, err
			}
			byName[c] = data
		}
		for _, m := range d.Materials {
			value, err := r.readKey(ctx, inst.name, m.Secret)
			if err != nil {
				return nil, err
			}
			if byName[m.In] == nil {
				byName[m.In] = map[string][]byte{}
			}
			byName[m.In][m.As] = value
		}
		return render.Credentials(inst.name, name, d.Namespace, byName)
	})
	if err := unlessGone(err); err != nil {
		return nil, err
	}
	wanted := []*unstructured.Unstructured{secretNamed(d.Namespace, delivery.CredentialsName(name))}
	if d.PostgreSQL == nil {
		return wanted, nil
	}
	if err := r.deliverDSN(ctx, inst, name, mem, d, d.PostgreSQL.DSN, render.LedgerSecretName(name), render.LedgerSecret); err != nil {
		return nil, err
	}
	wanted = append(wanted, secretNamed(d.Namespace, render.LedgerSecretName(name)))
	if owner := d.PostgreSQL.Owner; owner != nil {
		if err := r.deliverDSN(ctx, inst, name, mem, d, *owner, render.OwnerSecretName(name), render.OwnerSecret); err != nil {
			return nil, err
		}
		wanted = append(wanted, secretNamed(d.Namespace, render.OwnerSecretName(name)))
	}
	return wanted, nil
}

// deliverDSN copies a connection string into a Secret of its own.
func (r *Reconciler) deliverDSN(ctx context.Context, inst *institution, region string, mem *regionMemory, d plan.Deployment, from plan.SecretKey, to string,
	rendered func(institution, region, namespace string, dsn []byte) (*unstructured.Unstructured, error),
) error {
	return unlessGone(mem.handle.ApplyVersion(ctx, secretGVK, to, from.Key+"="+inst.secrets[from.Name].version, func() (*unstructured.Unstructured, error) {
		value, err := r.readKey(ctx, inst.name, from)
		if err != nil {
			return nil, err
		}
		return rendered(inst.name, region, d.Namespace, value)
	}))
}

func secretNamed(namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(secretGVK)
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}
