package render

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"

	"qiantang.dev/rails/internal/delivery"
)

const (
	portName = "http"
	port     = 8080
	// The kubelet's and Prometheus' port: plain HTTP whatever the API is served by, so that a pod's template does not depend on the plan.
	healthName = "health"
	healthPort = 8081
)

// service is how the routers are reached, whatever pool they run in.
func (r region) service() any {
	p := applycorev1.ServicePort().WithName(portName).WithPort(port).WithTargetPort(intstr.FromString(portName)).WithProtocol(corev1.ProtocolTCP)
	if r.Deployment.Service.NodePort != 0 {
		p.WithNodePort(r.Deployment.Service.NodePort)
	}
	kind := corev1.ServiceType(r.Deployment.Service.Type)
	if kind == "" {
		kind = corev1.ServiceTypeClusterIP
	}
	return applycorev1.Service(r.name()+"-router", r.ns()).
		WithLabels(r.labels(delivery.PartWorkload)).
		WithSpec(applycorev1.ServiceSpec().WithType(kind).WithSelector(r.selector(routerPool(r.Deployment.Embedded != nil))).WithPorts(p))
}

// selector picks the pods of a pool. It can never change, so it holds nothing but names.
func (r region) selector(component string) map[string]string {
	return map[string]string{
		delivery.LabelInstitution:     r.Plan.Institution,
		delivery.LabelRegion:          r.name(),
		"app.kubernetes.io/component": component,
	}
}
