package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/plan"
)

// lease writes the worker's Lease: a heartbeat, and what the worker says of itself.
type lease struct {
	Options
	// last is the Lease as last written or read; nil before the first.
	last *coordinationv1.Lease
}

func newLease(o Options) *lease { return &lease{Options: o} }

// write says ack and reported, at once where either is new, else only to renew.
func (l *lease) write(ctx context.Context, ack plan.Ack, reported time.Time, renew bool) error {
	raw, err := json.Marshal(ack)
	if err != nil {
		return fmt.Errorf("acknowledgement: %w", err)
	}
	want := map[string]string{delivery.AnnotationAck: string(raw)}
	if !reported.IsZero() {
		want[delivery.AnnotationReported] = reported.UTC().Format(time.RFC3339Nano)
	}
	if !renew && l.last != nil && says(l.last.Annotations, want) {
		return nil
	}
	leases := l.Client.CoordinationV1().Leases(l.Namespace)
	name := delivery.LeaseName(l.Pod)
	if l.last == nil {
		found, err := leases.Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			created, err := leases.Create(ctx, l.fill(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}}, want), metav1.CreateOptions{})
			if err != nil {
				return fmt.Errorf("lease %s: %w", name, err)
			}
			l.last = created
			return nil
		case err != nil:
			return fmt.Errorf("lease %s: %w", name, err)
		}
		l.last = found
	}
	updated, err := leases.Update(ctx, l.fill(l.last.DeepCopy(), want), metav1.UpdateOptions{})
	if err != nil {
		// Gone or changed by another: read it again next time.
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			l.last = nil
		}
		return fmt.Errorf("lease %s: %w", name, err)
	}
	l.last = updated
	return nil
}

func (l *lease) fill(lease *coordinationv1.Lease, annotations map[string]string) *coordinationv1.Lease {
	lease.Labels = map[string]string{
		delivery.LabelRegion: l.Region, delivery.LabelInstitution: l.Institution, delivery.LabelWorker: "true",
	}
	if lease.Annotations == nil {
		lease.Annotations = map[string]string{}
	}
	for k, v := range annotations {
		lease.Annotations[k] = v
	}
	if l.PodUID != "" {
		lease.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: l.Pod, UID: types.UID(l.PodUID)}}
	}
	now := metav1.NewMicroTime(l.Clock.Now())
	if ptr.Deref(lease.Spec.HolderIdentity, "") != l.Pod || lease.Spec.AcquireTime == nil {
		lease.Spec.HolderIdentity = ptr.To(l.Pod)
		lease.Spec.AcquireTime = &now
	}
	lease.Spec.LeaseDurationSeconds = ptr.To(int32(LeaseDuration / time.Second))
	lease.Spec.RenewTime = &now
	return lease
}

// reported is the newest time up to which a worker of this region has reported all final runs; zero where none has.
func (l *lease) reported(ctx context.Context) (time.Time, error) {
	list, err := l.Client.CoordinationV1().Leases(l.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: delivery.LabelWorker + "=true," + delivery.LabelRegion + "=" + l.Region + "," + delivery.LabelInstitution + "=" + l.Institution,
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("leases: %w", err)
	}
	var newest time.Time
	for i := range list.Items {
		t, err := time.Parse(time.RFC3339Nano, list.Items[i].Annotations[delivery.AnnotationReported])
		if err == nil && t.After(newest) {
			newest = t
		}
	}
	return newest, nil
}

func says(have, want map[string]string) bool {
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return true
}
