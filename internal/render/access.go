package render

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applyrbacv1 "k8s.io/client-go/applyconfigurations/rbac/v1"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/plan"
)

// access renders who the workers of a pool are and what they may do: read the configuration, read their one Secret, keep their Lease,
// for a settler, write reports, and, where callers
// of the API show tokens of ServiceAccounts, have them reviewed.
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
	out := []any{
		applycorev1.ServiceAccount(name, r.ns()).WithLabels(r.labels(delivery.PartAccess)).WithAutomountServiceAccountToken(false),
		applyrbacv1.Role(name, r.ns()).WithLabels(r.labels(delivery.PartAccess)).WithRules(rules...),
		applyrbacv1.RoleBinding(name, r.ns()).WithLabels(r.labels(delivery.PartAccess)).
			WithRoleRef(applyrbacv1.RoleRef().WithAPIGroup(rbacv1.GroupName).WithKind("Role").WithName(name)).
			WithSubjects(applyrbacv1.Subject().WithKind(rbacv1.ServiceAccountKind).WithName(name).WithNamespace(r.ns())),
	}
	if r.reviewsTokens() {
		out = append(out, r.tokenReviews(p))
	}
	return out
}

// ClusterNamePrefix begins the names of a region's objects that are in no namespace: names there must say whose they are.
func ClusterNamePrefix(namespace string) string { return "qiantang:" + namespace + ":" }

// reviewsTokens says whether callers of the region's API show tokens of ServiceAccounts.
func (r region) reviewsTokens() bool {
	return r.Plan.API != nil && slices.ContainsFunc(r.Plan.API.Authentication, func(a plan.Authentication) bool {
		return a.Type == plan.AuthenticationServiceAccount
	})
}

// tokenReviews lets a pool's workers ask the API server whether a token is good. Tokens are of no namespace, so neither is this.
func (r region) tokenReviews(p pool) any {
	return applyrbacv1.ClusterRoleBinding(ClusterNamePrefix(r.ns()) + p.name).WithLabels(r.labels(delivery.PartAccess)).
		WithRoleRef(applyrbacv1.RoleRef().WithAPIGroup(rbacv1.GroupName).WithKind("ClusterRole").WithName("system:auth-delegator")).
		WithSubjects(applyrbacv1.Subject().WithKind(rbacv1.ServiceAccountKind).WithName(p.name).WithNamespace(r.ns()))
}
