package fleet

import (
	"context"
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// maxTold bounds what is repeated of a container's last words.
const maxTold = 512

// Succeeded says whether a Job has. An error says why its latest attempt failed, or that the region is not connected. The Job itself
// tries again, and one that has given up is removed, so that applying it begins anew.
func (r *Region) Succeeded(ctx context.Context, job string) (bool, error) {
	c, ns, err := r.connected()
	if err != nil {
		return false, err
	}
	var j batchv1.Job
	if err := c.content.Get(ctx, client.ObjectKey{Namespace: ns, Name: job}, &j); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	for _, cond := range j.Status.Conditions {
		if cond.Status != corev1.ConditionTrue {
			continue
		}
		switch cond.Type {
		case batchv1.JobComplete:
			return true, nil
		case batchv1.JobFailed:
			j.SetGroupVersionKind(batchv1.SchemeGroupVersion.WithKind("Job"))
			told := c.lastWords(ctx, &j)
			if err := c.delete(ctx, &j); err != nil {
				return false, err
			}
			return false, fmt.Errorf("job %s has given up and begins anew: %s: %s", job, cond.Reason, told)
		}
	}
	if j.Status.Failed > 0 {
		return false, fmt.Errorf("job %s has failed %d times and goes on trying: %s", job, j.Status.Failed, c.lastWords(ctx, &j))
	}
	return false, nil
}

// lastWords is what the Job's container that ended last said when it failed.
func (c *connection) lastWords(ctx context.Context, j *batchv1.Job) string {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var pods corev1.PodList
	if err := c.client.List(ctx, &pods, client.InNamespace(j.Namespace), client.MatchingLabels{batchv1.JobNameLabel: j.Name}); err != nil {
		return "its pods cannot be read: " + err.Error()
	}
	told, last := "see its pods' logs", time.Time{}
	for i := range pods.Items {
		for _, s := range pods.Items[i].Status.ContainerStatuses {
			end := s.State.Terminated
			if end == nil || end.ExitCode == 0 || !end.FinishedAt.After(last) {
				continue
			}
			last, told = end.FinishedAt.Time, end.Reason
			if words := strings.Join(strings.Fields(end.Message), " "); words != "" {
				told = words
			}
		}
	}
	if len(told) > maxTold {
		told = strings.ToValidUTF8(told[:maxTold], "") + "…"
	}
	return told
}
