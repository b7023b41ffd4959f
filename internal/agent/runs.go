package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/plan"
)

// fieldManager owns the reports; the requests are the operator's.
const fieldManager = "qiantang-worker"

// runs carries settlement runs: requests to the engine, reports to the namespace.
type runs struct {
	Options
	watch *watch
	lease *lease
	// requested names what the engine was asked for and took.
	requested map[string]bool
	// written holds each report as last written, until the watch shows it.
	written map[string]string
	// reported is the time up to which all final runs were reported; known once it was read.
	reported time.Time
	known    bool
}

func newRuns(o Options, w *watch, l *lease) *runs {
	return &runs{Options: o, watch: w, lease: l, requested: map[string]bool{}, written: map[string]string{}}
}

func (r *runs) step(ctx context.Context) error {
	if !slices.Contains(r.Worker.Roles(), "settler") {
		return nil
	}
	if !r.known {
		t, err := r.lease.reported(ctx)
		if err != nil {
			return err
		}
		r.reported, r.known = t, true
	}
	return errors.Join(r.request(ctx), r.report(ctx))
}

// request passes on what was asked for and has no outcome yet. A refusal is reported in the run's ConfigMap and tried again.
func (r *runs) request(ctx context.Context) error {
	var errs []error
	for _, cm := range r.watch.runs() {
		raw, ok := cm.Data[delivery.KeyRequest]
		if !ok || r.requested[cm.Name] || final(cm.Data[delivery.KeyReport]) {
			continue
		}
		var req plan.RunRequest
		dec := json.NewDecoder(bytes.NewReader([]byte(raw)))
		dec.DisallowUnknownFields()
		err := dec.Decode(&req)
		if err == nil && delivery.RunName(req.Name) != cm.Name {
			err = fmt.Errorf("the request is for run %q", req.Name)
		}
		if err == nil {
			err = r.Worker.RequestRun(ctx, req)
		}
		if err != nil {
			refusal := plan.RunReport{Name: cm.Labels[delivery.LabelRun], Schedule: req.Schedule, Region: r.Region, Phase: "Pending", Message: err.Error()}
			errs = append(errs, r.apply(ctx, cm, refusal))
			continue
		}
		r.requested[cm.Name] = true
	}
	return errors.Join(errs...)
}

// report writes what has changed. A final run whose ConfigMap is not there, and that was reported before, was removed on purpose.
func (r *runs) report(ctx context.Context) error {
	reports, err := r.Worker.Reports(ctx)
	if err != nil {
		return fmt.Errorf("settlement runs: %w", err)
	}
	newest := r.reported
	var errs []error
	for _, rep := range reports {
		cm := r.watch.configMap(delivery.RunName(rep.Name))
		if rep.Completed != nil {
			if cm == nil && !rep.Completed.After(r.reported) {
				continue
			}
			if rep.Completed.After(newest) {
				newest = *rep.Completed
			}
		}
		if err := r.apply(ctx, cm, rep); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	r.reported = newest
	return nil
}

func (r *runs) apply(ctx context.Context, have *corev1.ConfigMap, rep plan.RunReport) error {
	raw, err := json.Marshal(rep)
	if err != nil {
		return fmt.Errorf("report of run %s: %w", rep.Name, err)
	}
	name, text := delivery.RunName(rep.Name), string(raw)
	if have != nil && have.Data[delivery.KeyReport] == text {
		delete(r.written, name)
		return nil
	}
	if r.written[name] == text {
		return nil // On its way back to us.
	}
	cm := applycorev1.ConfigMap(name, r.Namespace).WithData(map[string]string{delivery.KeyReport: text}).WithLabels(map[string]string{
		delivery.LabelRegion: r.Region, delivery.LabelInstitution: r.Institution, delivery.LabelRun: rep.Name, delivery.LabelPart: delivery.PartRun,
	})
	if _, err := r.Client.CoreV1().ConfigMaps(r.Namespace).Apply(ctx, cm, metav1.ApplyOptions{FieldManager: fieldManager, Force: true}); err != nil {
		return fmt.Errorf("report of run %s: %w", rep.Name, err)
	}
	r.written[name] = text
	return nil
}

// final says whether a report is of a run that has ended.
func final(report string) bool {
	var rep plan.RunReport
	return report != "" && json.Unmarshal([]byte(report), &rep) == nil && rep.Completed != nil
}
