package kind

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"qiantang.dev/rails/hack/internal/cache"
	"qiantang.dev/rails/hack/internal/command"
	"qiantang.dev/rails/hack/internal/daemon"
	"qiantang.dev/rails/hack/internal/engine"
	"qiantang.dev/rails/hack/internal/progress"
	"qiantang.dev/rails/hack/internal/record"
)

const (
	network   = "kind" // Docker network that kind puts its nodes in
	apiPort   = "6443" // of the API server on its node
	nodeWait  = 3 * time.Minute
	readyWait = 3 * time.Minute
)

// Manager handles clusters.
type Manager struct {
	Cache   cache.Dir
	Say     *progress.Printer
	Record  *record.Store
	Docker  engine.Docker
	Program string // path of kind

	Image    string // node image
	Config   []byte // complete kind configuration
	Settings func() error
}

func (m *Manager) cmd(name string, args ...string) command.Cmd {
	return command.New(m.Program, args...).WithEnv(m.Docker.Env()...).Logged(m.Cache.Log("kind-" + name))
}

func controlPlane(name string) string { return name + "-control-plane" }

// Up makes what does not run yet, side by side, and waits until all of them serve.
func (m *Manager) Up(ctx context.Context, names []string) error {
	out, err := m.cmd("list", "get", "clusters", "--quiet").Output(ctx)
	if err != nil {
		return err
	}
	existing := strings.Fields(out)
	return each(names, func(name string) error { return m.up(ctx, name, slices.Contains(existing, name)) })
}

// each does something for all names side by side and returns all errors.
func each(names []string, do func(string) error) error {
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			if err := do(name); err != nil {
				errs[i] = fmt.Errorf("cluster %s: %w", name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (m *Manager) up(ctx context.Context, name string, exists bool) error {
	recorded, known := m.Record.State().Cluster(name)
	ours := known && recorded.Made || m.Docker.Private()
	running := exists && m.Docker.Running(ctx, controlPlane(name))
	switch decide(exists, running, ours, known && !recorded.Ready) {
	case refuse:
		return fmt.Errorf("it exists and does not run, and it was not made by this tool: start it (docker start %s) or remove it (kind delete cluster --name %[2]s)",
			controlPlane(name), name)
	case remake:
		if err := m.delete(ctx, name); err != nil {
			return err
		}
		fallthrough
	case create:
		if err := m.create(ctx, name); err != nil {
			return err
		}
		ours = true
	case reuse:
		m.Say.Say("  cluster %s runs already", name)
	}
	c := record.Cluster{Name: name, Made: ours, Ready: true,
		Kubeconfig: m.Cache.Run(name + ".kubeconfig"), InternalKubeconfig: m.Cache.Run(name + ".internal.kubeconfig")}
	if err := m.writeKubeconfigs(ctx, &c); err != nil {
		return err
	}
	if err := m.Record.Update(func(s *record.State) { s.Put(c) }); err != nil {
		return err
	}
	return m.Say.Step("waiting for the nodes and CoreDNS of cluster "+name, "", func() error { return m.waitReady(ctx, name) })
}

type action int

const (
	reuse action = iota
	create
	remake
	refuse
)

// decide says what to do about a cluster. What is ours and does not run, or was never finished, is made anew; what is
// somebody else's is used if it runs.
func decide(exists, running, ours, unfinished bool) action {
	switch {
	case !exists:
		return create
	case running && !(ours && unfinished):
		return reuse
	case ours:
		return remake
	default:
		return refuse
	}
}

func (m *Manager) create(ctx context.Context, name string) error {
	err := m.Record.Update(func(s *record.State) { s.Put(record.Cluster{Name: name, Made: true}) })
	if err != nil {
		return err
	}
	config := m.Cache.Run(name + ".kind.yaml")
	if err := cache.WriteFile(config, m.Config, 0o644); err != nil {
		return err
	}
	return m.Say.Step("creating cluster "+name, "about 30 s", func() error {
		err := m.cmd(name, "create", "cluster", "--name", name, "--image", m.Image, "--config", config,
			"--wait", nodeWait.String(), "--kubeconfig", m.Cache.Run(name+".kubeconfig")).Run(ctx)
		// The node has changed settings of the whole machine, also when it failed later.
		return errors.Join(err, m.Settings())
	})
}

func (m *Manager) delete(ctx context.Context, name string) error {
	return m.Say.Step("removing cluster "+name, "", func() error {
		return m.cmd(name, "delete", "cluster", "--name", name, "--kubeconfig", m.Cache.Run(name+".kubeconfig")).Run(ctx)
	})
}

// writeKubeconfigs writes both kubeconfigs anew: after a restart of a node Docker publishes its API on another port.
func (m *Manager) writeKubeconfigs(ctx context.Context, c *record.Cluster) error {
	addr, err := m.Docker.Address(ctx, controlPlane(c.Name), network)
	if err != nil {
		return err
	}
	c.NodeIP = addr.String()
	outside, err := m.cmd(c.Name, "get", "kubeconfig", "--name", c.Name).Output(ctx)
	if err != nil {
		return err
	}
	if err := cache.WriteFile(c.Kubeconfig, []byte(outside), 0o600); err != nil {
		return err
	}
	inside, err := m.cmd(c.Name, "get", "kubeconfig", "--internal", "--name", c.Name).Output(ctx)
	if err != nil {
		return err
	}
	// kind names the node's container, which pods of another cluster cannot look up; kubeadm has put the node's
	// address into the certificate.
	b, err := withServer(inside, "https://"+net.JoinHostPort(c.NodeIP, apiPort))
	if err != nil {
		return err
	}
	return cache.WriteFile(c.InternalKubeconfig, b, 0o600)
}

// waitReady waits until pods can run and look up names. kubectl runs inside the node, so that none is needed here.
func (m *Manager) waitReady(ctx context.Context, name string) error {
	kubectl := func(args ...string) command.Cmd {
		return m.Docker.Cmd(append([]string{"exec", controlPlane(name), "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"},
			args...)...)
	}
	if err := m.forward(ctx, name); err != nil {
		return err
	}
	timeout := "--timeout=" + readyWait.String()
	// A pod cannot be created before its namespace has this account, which comes a moment after the API.
	err := daemon.Until(ctx, readyWait, func() bool {
		return kubectl("get", "serviceaccount", "default", "--namespace=default").Run(ctx) == nil
	})
	if err != nil {
		return fmt.Errorf("service account default: %w", err)
	}
	if err := kubectl("wait", "--for=condition=Ready", "nodes", "--all", timeout).Run(ctx); err != nil {
		return err
	}
	return kubectl("rollout", "status", "--namespace=kube-system", "deployment/coredns", timeout).Run(ctx)
}

// forward lets nodes pass packets on. A node takes that setting from the machine's own network namespace, where a
// Docker that lives there has set it; a private one lives elsewhere. Without it a NodePort does not answer on a node
// that runs no pod yet.
func (m *Manager) forward(ctx context.Context, name string) error {
	if !m.Docker.Private() {
		return nil
	}
	out, err := m.cmd(name, "get", "nodes", "--name", name).Output(ctx)
	if err != nil {
		return err
	}
	for _, node := range strings.Fields(out) {
		if err := m.Docker.Cmd("exec", node, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1").Run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Load puts the images of an archive into all nodes of clusters.
func (m *Manager) Load(ctx context.Context, names []string, archive string) error {
	if _, err := os.Stat(archive); err != nil {
		return err
	}
	return each(names, func(name string) error {
		return m.Say.Step("loading "+archive+" into cluster "+name, "", func() error {
			return m.cmd(name, "load", "image-archive", archive, "--name", name).Run(ctx)
		})
	})
}

// Down removes the recorded clusters of these names, if they are ours, and forgets them. present says whether Docker
// answers: where a private one does not, its containers end with it.
func (m *Manager) Down(ctx context.Context, names []string, present bool) error {
	return each(names, func(name string) error {
		c, ok := m.Record.State().Cluster(name)
		if !ok {
			m.Say.Say("  cluster %s is not recorded: nothing to remove", name)
			return nil
		}
		if c.Made && present {
			if err := m.delete(ctx, name); err != nil {
				return err
			}
		}
		for _, suffix := range []string{".kubeconfig", ".kubeconfig.lock", ".internal.kubeconfig", ".kind.yaml"} {
			if err := os.RemoveAll(m.Cache.Run(name + suffix)); err != nil {
				return err
			}
		}
		return m.Record.Update(func(s *record.State) { s.Remove(name) })
	})
}
