package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	applyautoscalingv2 "k8s.io/client-go/applyconfigurations/autoscaling/v2"
	applybatchv1 "k8s.io/client-go/applyconfigurations/batch/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	applypolicyv1 "k8s.io/client-go/applyconfigurations/policy/v1"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/plan"
)

// workload renders the pods of a pool and what keeps them.
func (r region) workload(p pool) ([]any, error) {
	if r.Deployment.Embedded != nil {
		set, err := r.statefulSet(p)
		return []any{set}, err
	}
	template, err := r.podTemplate(p)
	if err != nil {
		return nil, err
	}
	spec := applyappsv1.DeploymentSpec().
		WithSelector(applymetav1.LabelSelector().WithMatchLabels(r.selector(p.component))).
		WithStrategy(applyappsv1.DeploymentStrategy().WithType(appsv1.RollingUpdateDeploymentStrategyType).
			WithRollingUpdate(applyappsv1.RollingUpdateDeployment().WithMaxUnavailable(intstr.FromInt32(0)).WithMaxSurge(intstr.FromInt32(1)))).
		WithTemplate(template)
	out := []any{}
	if a := p.size.Autoscale; a != nil {
		out = append(out, r.autoscaler(p, a)) // The number of pods is the autoscaler's, so we do not own it.
	} else {
		spec.WithReplicas(p.size.Replicas)
	}
	out = append(out, applyappsv1.Deployment(p.name, r.ns()).WithLabels(r.labels(delivery.PartWorkload)).WithSpec(spec))
	if p.size.Replicas > 1 || p.size.Autoscale != nil {
		out = append(out, applypolicyv1.PodDisruptionBudget(p.name, r.ns()).WithLabels(r.labels(delivery.PartWorkload)).
			WithSpec(applypolicyv1.PodDisruptionBudgetSpec().WithMaxUnavailable(intstr.FromInt32(1)).
				WithSelector(applymetav1.LabelSelector().WithMatchLabels(r.selector(p.component)))))
	}
	return out, nil
}

// statefulSet is the one pod on an embedded ledger. Its volume outlives it, and the region: it holds the books.
func (r region) statefulSet(p pool) (any, error) {
	template, err := r.podTemplate(p)
	if err != nil {
		return nil, err
	}
	size, err := resource.ParseQuantity(r.Deployment.Embedded.Size)
	if err != nil {
		return nil, fmt.Errorf("region %s: size of the ledger's volume %q: %w", r.name(), r.Deployment.Embedded.Size, err)
	}
	claim := applycorev1.PersistentVolumeClaimSpec().WithAccessModes(corev1.ReadWriteOnce).
		WithResources(applycorev1.VolumeResourceRequirements().WithRequests(corev1.ResourceList{corev1.ResourceStorage: size}))
	if class := r.Deployment.Embedded.StorageClass; class != "" {
		claim.WithStorageClassName(class)
	}
	template.Spec.WithSecurityContext(template.Spec.SecurityContext.WithFSGroup(user).WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch))
	// A claim template is immutable: its labels are the selector's, which never change either.
	volume := applycorev1.PersistentVolumeClaim(dataVolume, "").WithLabels(r.selector(p.component)).WithSpec(claim)
	volume.Namespace = nil
	return applyappsv1.StatefulSet(p.name, r.ns()).WithLabels(r.labels(delivery.PartWorkload)).WithSpec(applyappsv1.StatefulSetSpec().
		WithReplicas(1).
		WithServiceName(r.name() + "-router").
		WithSelector(applymetav1.LabelSelector().WithMatchLabels(r.selector(p.component))).
		WithPersistentVolumeClaimRetentionPolicy(applyappsv1.StatefulSetPersistentVolumeClaimRetentionPolicy().
			WithWhenDeleted(appsv1.RetainPersistentVolumeClaimRetentionPolicyType).
			WithWhenScaled(appsv1.RetainPersistentVolumeClaimRetentionPolicyType)).
		WithTemplate(template).
		WithVolumeClaimTemplates(volume)), nil
}

func (r region) autoscaler(p pool, a *plan.Autoscale) any {
	return applyautoscalingv2.HorizontalPodAutoscaler(p.name, r.ns()).WithLabels(r.labels(delivery.PartWorkload)).
		WithSpec(applyautoscalingv2.HorizontalPodAutoscalerSpec().
			WithScaleTargetRef(applyautoscalingv2.CrossVersionObjectReference().WithAPIVersion("apps/v1").WithKind("Deployment").WithName(p.name)).
			WithMinReplicas(a.Min).WithMaxReplicas(a.Max).
			WithMetrics(applyautoscalingv2.MetricSpec().WithType(autoscalingv2.ResourceMetricSourceType).
				WithResource(applyautoscalingv2.ResourceMetricSource().WithName(corev1.ResourceCPU).
					WithTarget(applyautoscalingv2.MetricTarget().WithType(autoscalingv2.UtilizationMetricType).WithAverageUtilization(a.TargetCPU)))))
}

func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// migration brings the database's schema up to the image's. A Job cannot be changed, so another image or another DSN is another Job.
func (r region) migration() any {
	name := r.name() + "-migrate-" + short(r.Image+r.LedgerVersion+r.OwnerVersion)
	container := r.container("migrate").
		WithVolumeMounts(applycorev1.VolumeMount().WithName(dsnVolume).WithMountPath(dsnDirectory).WithReadOnly(true))
	volumes := []*applycorev1.VolumeApplyConfiguration{secretVolume(dsnVolume, LedgerSecretName(r.name()))}
	if r.Deployment.PostgreSQL.Owner == nil {
		container.WithArgs("ledger", "migrate", "--dsn-file", dsnFile)
	} else {
		container.WithArgs("ledger", "migrate", "--dsn-file", ownerFile, "--app-dsn-file", dsnFile).
			WithVolumeMounts(applycorev1.VolumeMount().WithName(ownerVolume).WithMountPath(ownerDirectory).WithReadOnly(true))
		volumes = append(volumes, secretVolume(ownerVolume, OwnerSecretName(r.name())))
	}
	return applybatchv1.Job(name, r.ns()).WithLabels(r.labels(delivery.PartWorkload)).WithSpec(applybatchv1.JobSpec().
		WithBackoffLimit(20).
		WithPodReplacementPolicy(batchv1.Failed).
		WithTemplate(applycorev1.PodTemplateSpec().WithLabels(r.selector("migrate")).WithSpec(applycorev1.PodSpec().
			WithRestartPolicy(corev1.RestartPolicyNever).
			WithAutomountServiceAccountToken(false).
			WithSecurityContext(podSecurity()).
			WithContainers(container).
			WithVolumes(volumes...))))
}
