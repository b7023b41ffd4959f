package engine

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"qiantang.dev/rails/hack/internal/cache"
)

// Names of what the private Docker has on the machine. They are few, and fixed, so that one can see whose they are.
const (
	Namespace = "qiantang" // network namespace
	hostLink  = "qiantang0"
	nsLink    = "eth0"
	cgroup    = "qiantang"
	runtime   = "runcfit"
	dnsPort   = 53
)

// Plan divides one /16 among what needs addresses.
type Plan struct {
	Host   netip.Prefix // the machine's end of the pair, with the pair's /30
	Inner  netip.Prefix // the namespace's end: Docker, its published ports, and the DNS server are there
	Bridge netip.Prefix // Docker's default bridge
	Pool   netip.Prefix // what other Docker networks are taken from: the nodes' addresses
}

// NewPlan makes the plan for a network.
func NewPlan(net netip.Prefix) (Plan, error) {
	if !net.Addr().Is4() || net.Bits() != 16 || net.Masked() != net {
		return Plan{}, fmt.Errorf("network %s is not an IPv4 /16", net)
	}
	b := net.Addr().As4()
	at := func(third, fourth byte, bits int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{b[0], b[1], third, fourth}), bits)
	}
	return Plan{Host: at(0, 1, 30), Inner: at(0, 2, 30), Bridge: at(1, 1, 24), Pool: at(128, 0, 17)}, nil
}

// files are the paths of the private Docker.
type files struct {
	dir cache.Dir
}

func (f files) containerdSocket() string { return f.dir.Run("containerd.sock") }
func (f files) containerdConfig() string { return f.dir.Run("containerd.toml") }
func (f files) dockerSocket() string     { return f.dir.Run("docker.sock") }
func (f files) dockerConfig() string     { return f.dir.Run("daemon.json") }
func (f files) dockerPID() string        { return f.dir.Run("dockerd.pid") }
func (f files) data(what string) string  { return f.dir.Path("docker", what) }

// containerdToml is the configuration of the private containerd. Docker has no use for the Kubernetes part.
func (f files) containerdToml() string {
	return fmt.Sprintf(`version = 2
root = %q
state = %q
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = %q
[plugins."io.containerd.internal.v1.opt"]
  path = %q
`, f.data("containerd"), f.dir.Run("containerd"), f.containerdSocket(), f.data("opt"))
}

// daemonJSON is the configuration of the private dockerd. fit is the runtime that leaves out capabilities which this
// machine does not give; empty takes the distribution's runc.
func (f files) daemonJSON(p Plan, fit string) ([]byte, error) {
	type object = map[string]any
	c := object{
		"data-root": f.data("data"),
		"exec-root": f.dir.Run("docker"),
		"pidfile":   f.dockerPID(),
		"hosts":     []string{"unix://" + f.dockerSocket()},
		// Without this dockerd would use whichever containerd listens on the usual path, and it may be somebody else's.
		"containerd":    f.containerdSocket(),
		"cgroup-parent": "/" + cgroup,
		"exec-opts":     []string{"native.cgroupdriver=cgroupfs"},
		"bip":           p.Bridge.String(),
		"default-address-pools": []object{
			{"base": p.Pool.String(), "size": 24},
		},
		"dns":      []string{p.Inner.Addr().String()},
		"log-opts": object{"max-size": "20m"},
	}
	if fit != "" {
		c["runtimes"] = object{runtime: object{"path": fit}}
		c["default-runtime"] = runtime
	}
	return json.MarshalIndent(c, "", "  ")
}
