package controllers

import (
	"sync"

	"qiantang.dev/rails/internal/compile"
	"qiantang.dev/rails/internal/fleet"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/render"
)

// institution is what the operator remembers of one between reconciles. All of it can be found out again after a restart; it only saves
// doing again what has not changed. One reconcile of an institution runs at a time, so only secrets need the lock.
type institution struct {
	name    string
	regions map[string]*regionMemory

	// compiled is the last result, and inputs the hash of what it was made from.
	compiled compile.Result
	inputs   string

	mu      sync.Mutex
	secrets map[string]secretKeys
}

// regionMemory is what is remembered of one region.
type regionMemory struct {
	handle *fleet.Region
	// kubeconfig of another cluster, and the version of its Secret.
	kubeconfig        []byte
	kubeconfigVersion string
	// last is the plan that the region's index names; read says that this is known.
	last *plan.Region
	read bool

	history history
	// rendered are the objects of deployment and revision in renderedFor.
	rendered    render.Objects
	renderedFor string
}

// secretKeys are the keys of one version of a Secret. Never its values.
type secretKeys struct {
	version string
	keys    []string
}

func (inst *institution) region(name string) *regionMemory {
	r := inst.regions[name]
	if r == nil {
		r = &regionMemory{}
		inst.regions[name] = r
	}
	return r
}

// institutions are all that were ever reconciled and still have resources.
type institutions struct {
	mu     sync.Mutex
	byName map[string]*institution
}

func (all *institutions) get(name string) *institution {
	all.mu.Lock()
	defer all.mu.Unlock()
	i := all.byName[name]
	if i == nil {
		i = &institution{name: name, regions: map[string]*regionMemory{}, secrets: map[string]secretKeys{}}
		if all.byName == nil {
			all.byName = map[string]*institution{}
		}
		all.byName[name] = i
	}
	return i
}

func (all *institutions) forget(name string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.byName, name)
}

// refersTo says whether the institution's resources were last seen to refer to a Secret.
func (all *institutions) refersTo(name, secret string) bool {
	all.mu.Lock()
	i := all.byName[name]
	all.mu.Unlock()
	if i == nil {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	_, ok := i.secrets[secret]
	return ok
}
