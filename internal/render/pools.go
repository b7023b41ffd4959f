package render

import (
	"slices"

	"qiantang.dev/rails/internal/plan"
)

// pool is one group of equal pods.
type pool struct {
	// name of its objects, component in its labels.
	name, component string
	roles           []string
	size            plan.Pool
}

func (p pool) settles() bool { return slices.Contains(p.roles, roleSettler) }

// RoleRouter is played by the workers that take payments.
const RoleRouter = "router"

const (
	roleSettler = "settler"
	worker      = "worker"
)

// pools are those that the ledger allows: SQLite has one writer, so one pod does both.
func (r region) pools() []pool {
	d := r.Deployment
	if d.Embedded != nil {
		return []pool{{name: r.name() + "-" + worker, component: worker, roles: []string{RoleRouter, roleSettler}, size: d.Router}}
	}
	return []pool{
		{name: r.name() + "-" + RoleRouter, component: RoleRouter, roles: []string{RoleRouter}, size: d.Router},
		{name: r.name() + "-" + roleSettler, component: roleSettler, roles: []string{roleSettler}, size: d.Settler},
	}
}

// routerPool is the component whose pods route.
func routerPool(embedded bool) string {
	if embedded {
		return worker
	}
	return RoleRouter
}

// Roles lists the roles that a region's workers must have between them.
func Roles() []string { return []string{RoleRouter, roleSettler} }
