package fleet

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/plan"
)

var zeroMicro metav1.MicroTime

// Run is a settlement run as its ConfigMap tells.
type Run struct {
	Name string
	// Requested by the operator; Report is nil before the settler's first.
	Requested bool
	Report    *plan.RunReport
	// Managed says that it carries our labels, and is pruned when it is not wanted.
	Managed bool
}

// Runs are the settlement runs that the region has ConfigMaps of. A report that cannot be read is left out.
func (r *Region) Runs(ctx context.Context) ([]Run, error) {
	c, ns, err := r.connected()
	if err != nil {
		return nil, err
	}
	list := &corev1.ConfigMapList{}
	err = c.content.List(ctx, list, client.InNamespace(ns), client.MatchingLabels{
		delivery.LabelInstitution: r.key.Institution, delivery.LabelRegion: r.key.Region,
	}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("settlement runs: %w", err)
	}
	out := make([]Run, 0, len(list.Items))
	for i := range list.Items {
		cm := &list.Items[i]
		name := cm.Labels[delivery.LabelRun]
		if cm.Name != delivery.RunName(name) {
			continue
		}
		run := Run{Name: name, Managed: cm.Labels[delivery.LabelManagedBy] == delivery.ManagedBy}
		_, run.Requested = cm.Data[delivery.KeyRequest]
		if text, ok := cm.Data[delivery.KeyReport]; ok {
			report := &plan.RunReport{}
			if err := json.Unmarshal([]byte(text), report); err == nil && report.Name == name {
				run.Report = report
			}
		}
		out = append(out, run)
	}
	return out, nil
}

// Delivered reads back the plan that the region's index names; nil where there is none, or where a shard of it is gone.
func (r *Region) Delivered(ctx context.Context) (*plan.Region, error) {
	c, ns, err := r.connected()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var cm corev1.ConfigMap
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: ns, Name: delivery.IndexName(r.key.Region)}, &cm); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	index, err := delivery.DecodeIndex(cm.Data)
	if err != nil {
		return nil, nil // An index that somebody has broken tells nothing, and is about to be repaired.
	}
	var failed error
	p, err := delivery.Decode(index, func(name string) ([]byte, bool) {
		var shard corev1.ConfigMap
		if err := c.client.Get(ctx, client.ObjectKey{Namespace: ns, Name: delivery.ShardName(r.key.Region, name)}, &shard); err != nil {
			failed = client.IgnoreNotFound(err)
			return nil, false
		}
		packed, ok := shard.BinaryData[delivery.KeyShard]
		return packed, ok
	})
	switch {
	case failed != nil:
		return nil, fmt.Errorf("read back the plan of region %s: %w", r.key, failed)
	case err != nil:
		return nil, nil // As above.
	}
	return p, nil
}
