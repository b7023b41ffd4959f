package render

import (
	rbacv1 "k8s.io/api/rbac/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applyrbacv1 "k8s.io/client-go/applyconfigurations/rbac/v1"

	"qiantang.dev/rails/internal/delivery"
)

// access renders who the workers of a pool are and what they may do: read the configuration, read their one Secret, keep their Lease,
// and, for a settler, write reports.
func (r region) access(p pool) []any {
	name := p.name
	rule := func(group, resource string, verbs ...string) *applyrbacv1.PolicyRuleApplyConfiguration {
		return applyrbacv1.PolicyRule().WithAPIGroups(group).WithResources(resource).WithVerbs(verbs...)
	}
	configMaps := []string{"get", "list", "watch"}
	if p.settles() {
		configMaps = append(configMaps, "create", "patch")
	}
	rules := []*applyrbacv1.PolicyRuleApplyConfiguration{
		rule("", "configmaps", configMaps...),
		rule("", "secrets", "get", "list", "watch").WithResourceNames(delivery.CredentialsName(r.name())),
		rule("coordination.k8s.io", "leases", "get", "list", "create", "update"),
	}
	return []any{
		applycorev1.ServiceAccount(name, r.ns()).WithLabels(r.labels(delivery.PartAccess)).WithAutomountServiceAccountToken(false),
		applyrbacv1.Role(name, r.ns()).WithLabels(r.labels(delivery.PartAccess)).WithRules(rules...),
		applyrbacv1.RoleBinding(name, r.ns()).WithLabels(r.labels(delivery.PartAccess)).
			WithRoleRef(applyrbacv1.RoleRef().WithAPIGroup(rbacv1.GroupName).WithKind("Role").WithName(name)).
			WithSubjects(applyrbacv1.Subject().WithKind(rbacv1.ServiceAccountKind).WithName(name).WithNamespace(r.ns())),
	}
}
