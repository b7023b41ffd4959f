package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"sync"

	"qiantang.dev/rails/hack/internal/cache"
)

// State is everything that the tool has started.
type State struct {
	BootID   string    `json:"bootID"`           // of the machine when it was written: processes of another boot are gone
	Docker   *Docker   `json:"docker,omitempty"` // a private one; nil where the machine's own serves
	Clusters []Cluster `json:"clusters"`
}

// Docker is a private containerd and dockerd with the network that they live in.
type Docker struct {
	Net           netip.Prefix      `json:"net"`           // the /16 that all its addresses are from
	NetworkReady  bool              `json:"networkReady"`  // namespace, links and routes are complete
	MadeNetnsDir  bool              `json:"madeNetnsDir"`  // /run/netns was not there before
	Litter        []string          `json:"litter"`        // what Docker makes outside of its folders, of that what was not there before
	Sysctls       map[string]string `json:"sysctls"`       // settings as they were before kubelet changes them
	Processes     []Process         `json:"processes"`     // in the order of their start
	CgroupsBefore []string          `json:"cgroupsBefore"` // folders named like ours that somebody else had made
}

// Process is one long-lived process. A process identifier is used again; with the time of the start it is not.
type Process struct {
	Name  string `json:"name"`
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks after boot, as /proc/PID/stat has it
}

// Cluster is one kind cluster.
type Cluster struct {
	Name               string `json:"name"`
	Kubeconfig         string `json:"kubeconfig"`         // for this machine
	InternalKubeconfig string `json:"internalKubeconfig"` // for pods of other clusters beside it
	NodeIP             string `json:"nodeIP"`             // control plane's node: NodePorts are reached there from this machine
	Made               bool   `json:"made"`               // by the tool, which removes it; otherwise it was found
	Ready              bool   `json:"ready"`              // false while it is being made
}

// Public is what clusters.json says, and `cluster status` prints: enough to use the clusters.
type Public struct {
	DockerHost string    `json:"dockerHost"` // empty: the Docker client's own default
	Kind       string    `json:"kind"`       // path of the program
	Kubectl    string    `json:"kubectl"`    // path of the program; empty if it is not built
	Clusters   []Cluster `json:"clusters"`
}

// Store is the record on disk. Its methods may be called side by side.
type Store struct {
	mu    sync.Mutex
	path  string
	state State
}

// Open reads the record, or begins one.
func Open(dir cache.Dir) (*Store, error) {
	s := &Store{path: dir.Run("state.json")}
	b, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &s.state); err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	return s, nil
}

// State returns a copy of the record.
func (s *Store) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.clone()
}

// Update changes the record and writes it before it returns. A change that cannot be written is not made.
func (s *Store) Update(change func(*State)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.state.clone()
	change(&next)
	b, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	if err := cache.WriteFile(s.path, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("recording what runs: %w", err)
	}
	s.state = next
	return nil
}

func (s State) clone() State {
	s.Clusters = slices.Clone(s.Clusters)
	if s.Docker != nil {
		d := *s.Docker
		d.Processes = slices.Clone(d.Processes)
		d.CgroupsBefore = slices.Clone(d.CgroupsBefore)
		d.Litter = slices.Clone(d.Litter)
		sysctls := make(map[string]string, len(d.Sysctls))
		for k, v := range d.Sysctls {
			sysctls[k] = v
		}
		d.Sysctls = sysctls
		s.Docker = &d
	}
	return s
}

// Cluster finds a cluster by its name.
func (s State) Cluster(name string) (Cluster, bool) {
	for _, c := range s.Clusters {
		if c.Name == name {
			return c, true
		}
	}
	return Cluster{}, false
}

// Put adds a cluster or replaces the one of its name. They stay in the order of their names.
func (s *State) Put(c Cluster) {
	s.Remove(c.Name)
	s.Clusters = append(s.Clusters, c)
	slices.SortFunc(s.Clusters, func(a, b Cluster) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
}

// Remove forgets a cluster.
func (s *State) Remove(name string) {
	s.Clusters = slices.DeleteFunc(s.Clusters, func(c Cluster) bool { return c.Name == name })
}

// PutProcess adds a process or replaces the one of its name.
func (d *Docker) PutProcess(p Process) {
	for i := range d.Processes {
		if d.Processes[i].Name == p.Name {
			d.Processes[i] = p
			return
		}
	}
	d.Processes = append(d.Processes, p)
}

// Process finds a process by its name.
func (d *Docker) Process(name string) (Process, bool) {
	for _, p := range d.Processes {
		if p.Name == name {
			return p, true
		}
	}
	return Process{}, false
}
