package render

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/plan"
)

const (
	user = 65532

	dataVolume    = "data"
	dataDirectory = "/data"
	ledgerURL     = "sqlite:///data/ledger.db"
	tmpVolume     = "tmp"

	// ledgerAnnotation differs when the DSN does: a worker reads it once, when it starts.
	ledgerAnnotation = "rails.qiantang.dev/ledger"

	dsnVolume    = "dsn"
	dsnDirectory = "/etc/qiantang"
	dsnFile      = dsnDirectory + "/dsn"

	credentialsVolume    = "credentials"
	credentialsDirectory = "/etc/qiantang-credentials"

	ownerVolume    = "owner-dsn"
	ownerDirectory = "/etc/qiantang-owner"
	ownerFile      = ownerDirectory + "/dsn"
)

// podTemplate is a worker's. Nothing of the plan is in it, so that no change of the plan restarts a worker.
func (r region) podTemplate(p pool) (*applycorev1.PodTemplateSpecApplyConfiguration, error) {
	resources, err := resources(p.size)
	if err != nil {
		return nil, fmt.Errorf("region %s: %w", r.name(), err)
	}
	args := []string{"worker", "--region", r.name(), "--institution", r.Plan.Institution}
	for _, role := range p.roles {
		args = append(args, "--role", role)
	}
	mounts := []*applycorev1.VolumeMountApplyConfiguration{
		applycorev1.VolumeMount().WithName(dataVolume).WithMountPath(dataDirectory),
		applycorev1.VolumeMount().WithName(tmpVolume).WithMountPath("/tmp"),
		applycorev1.VolumeMount().WithName(credentialsVolume).WithMountPath(credentialsDirectory).WithReadOnly(true),
	}
	// The worker watches the Secret; the mount is for a container that starts again while the API server is away.
	credentials := secretVolume(credentialsVolume, delivery.CredentialsName(r.name()))
	credentials.Secret.WithOptional(true)
	volumes := []*applycorev1.VolumeApplyConfiguration{emptyDir(tmpVolume), credentials}
	if r.Deployment.Embedded != nil {
		args = append(args, "--ledger", ledgerURL)
	} else {
		args = append(args, "--ledger-dsn-file", dsnFile)
		mounts = append(mounts, applycorev1.VolumeMount().WithName(dsnVolume).WithMountPath(dsnDirectory).WithReadOnly(true))
		volumes = append(volumes, emptyDir(dataVolume), secretVolume(dsnVolume, LedgerSecretName(r.name())))
	}
	args = append(args, "--listen", fmt.Sprintf(":%d", port), "--health-listen", fmt.Sprintf(":%d", healthPort), "--data", dataDirectory, "--credentials-dir", credentialsDirectory)
	container := r.container(worker).
		WithArgs(args...).
		WithEnv(
			field("POD_NAME", "metadata.name"), field("POD_NAMESPACE", "metadata.namespace"), field("POD_UID", "metadata.uid"),
		).
		WithPorts(
			applycorev1.ContainerPort().WithName(portName).WithContainerPort(port).WithProtocol(corev1.ProtocolTCP),
			applycorev1.ContainerPort().WithName(healthName).WithContainerPort(healthPort).WithProtocol(corev1.ProtocolTCP),
		).
		WithResources(resources).
		WithVolumeMounts(mounts...).
		// Opening a large ledger may take its time; after that, not answering for long means that it is stuck.
		WithStartupProbe(probe("/healthz").WithPeriodSeconds(2).WithFailureThreshold(60)).
		WithLivenessProbe(probe("/healthz").WithPeriodSeconds(10).WithFailureThreshold(6).WithTimeoutSeconds(5)).
		WithReadinessProbe(probe("/readyz").WithPeriodSeconds(2).WithFailureThreshold(2).WithTimeoutSeconds(2))
	if p.size.Limits.Memory != "" {
		container.WithEnv(applycorev1.EnvVar().WithName("GOMEMLIMIT").WithValueFrom(applycorev1.EnvVarSource().
			WithResourceFieldRef(applycorev1.ResourceFieldSelector().WithResource("limits.memory"))))
	}
	spec := applycorev1.PodSpec().
		WithServiceAccountName(p.name).
		WithAutomountServiceAccountToken(true).
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(40).
		WithSecurityContext(podSecurity()).
		WithContainers(container).
		WithVolumes(volumes...)
	if r.Deployment.Embedded == nil {
		spec.WithTopologySpreadConstraints(applycorev1.TopologySpreadConstraint().WithMaxSkew(1).
			WithTopologyKey(corev1.LabelHostname).WithWhenUnsatisfiable(corev1.ScheduleAnyway).
			WithLabelSelector(applymetav1.LabelSelector().WithMatchLabels(r.selector(p.component))))
	}
	labels := r.selector(p.component)
	labels["app.kubernetes.io/name"] = "qiantang"
	template := applycorev1.PodTemplateSpec().WithLabels(labels).WithSpec(spec)
	if r.Deployment.PostgreSQL != nil && r.LedgerVersion != "" {
		template.WithAnnotations(map[string]string{ledgerAnnotation: short(r.LedgerVersion)})
	}
	return template, nil
}

func (r region) container(name string) *applycorev1.ContainerApplyConfiguration {
	return applycorev1.Container().WithName(name).WithImage(r.Image).WithImagePullPolicy(corev1.PullIfNotPresent).
		WithTerminationMessagePolicy(corev1.TerminationMessageFallbackToLogsOnError).
		WithSecurityContext(applycorev1.SecurityContext().
			WithAllowPrivilegeEscalation(false).
			WithReadOnlyRootFilesystem(true).
			WithCapabilities(applycorev1.Capabilities().WithDrop("ALL")))
}

func secretVolume(name, secret string) *applycorev1.VolumeApplyConfiguration {
	return applycorev1.Volume().WithName(name).WithSecret(applycorev1.SecretVolumeSource().WithSecretName(secret).WithDefaultMode(0o444))
}

func podSecurity() *applycorev1.PodSecurityContextApplyConfiguration {
	return applycorev1.PodSecurityContext().WithRunAsNonRoot(true).WithRunAsUser(user).WithRunAsGroup(user).
		WithSeccompProfile(applycorev1.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))
}

func emptyDir(name string) *applycorev1.VolumeApplyConfiguration {
	return applycorev1.Volume().WithName(name).WithEmptyDir(applycorev1.EmptyDirVolumeSource())
}

func field(name, path string) *applycorev1.EnvVarApplyConfiguration {
	return applycorev1.EnvVar().WithName(name).
		WithValueFrom(applycorev1.EnvVarSource().WithFieldRef(applycorev1.ObjectFieldSelector().WithFieldPath(path)))
}

func probe(path string) *applycorev1.ProbeApplyConfiguration {
	return applycorev1.Probe().WithHTTPGet(applycorev1.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(healthName)))
}

func resources(p plan.Pool) (*applycorev1.ResourceRequirementsApplyConfiguration, error) {
	out := applycorev1.ResourceRequirements()
	requests, err := resourceList("requests", p.Requests)
	if err != nil {
		return nil, err
	}
	limits, err := resourceList("limits", p.Limits)
	if err != nil {
		return nil, err
	}
	if len(requests) > 0 {
		out.WithRequests(requests)
	}
	if len(limits) > 0 {
		out.WithLimits(limits)
	}
	return out, nil
}

func resourceList(what string, r plan.Resources) (corev1.ResourceList, error) {
	out := corev1.ResourceList{}
	for name, text := range map[corev1.ResourceName]string{corev1.ResourceCPU: r.CPU, corev1.ResourceMemory: r.Memory} {
		if text == "" {
			continue
		}
		q, err := resource.ParseQuantity(text)
		if err != nil {
			return nil, fmt.Errorf("workers' %s: %s %q: %w", what, name, text, err)
		}
		out[name] = q
	}
	return out, nil
}
