package compile

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/plan"
)

// defaultWebhookKey is the key of a Secret that holds what a webhook's events are signed with.
const defaultWebhookKey = "secret"

// checkWebhooks finds what the schema cannot see: addresses that are none, and Secrets that are not there.
func (c *compilation) checkWebhooks(f *findings, r *v1alpha1.Region) {
	for i := range r.Spec.Webhooks {
		w := &r.Spec.Webhooks[i]
		field := fmt.Sprintf("spec.webhooks[%d]", i)
		if u, err := url.Parse(w.URL); err != nil || u.Hostname() == "" {
			f.invalid(v1alpha1.ReasonInvalidValue, field+".url", w.URL, "no http or https URL with a host")
		}
		switch name := w.SecretRef.Name; name {
		case r.Spec.Cluster.KubeconfigSecretRef.Name, r.Spec.Ledger.PostgreSQL.DSNSecretRef.Name, r.Spec.Ledger.PostgreSQL.MigrationDSNSecretRef.Name:
			// Credentials are copied to the region with all their keys; what leads into a cluster or a database is not for there.
			f.invalid(v1alpha1.ReasonInvalidValue, field+".secretRef.name", name, "is the Secret of a kubeconfig or a database, and would be copied to the region: use one of its own")
		}
		c.secretKeys(f, field+".secretRef.name", w.SecretRef.Name, or(w.SecretRef.Key, defaultWebhookKey))
	}
}

// webhooks are a region's, as its routers need them.
func webhooks(r *v1alpha1.Region) []plan.Webhook {
	out := make([]plan.Webhook, 0, len(r.Spec.Webhooks))
	for i := range r.Spec.Webhooks {
		w := &r.Spec.Webhooks[i]
		entry := plan.Webhook{Name: w.Name, URL: w.URL, Credentials: w.SecretRef.Name, Key: or(w.SecretRef.Key, defaultWebhookKey)}
		for _, e := range w.Events {
			entry.Events = append(entry.Events, strings.ToLower(string(e)))
		}
		slices.Sort(entry.Events)
		out = append(out, entry)
	}
	if len(out) == 0 {
		return nil
	}
	slices.SortFunc(out, func(a, b plan.Webhook) int { return strings.Compare(a.Name, b.Name) })
	return out
}
