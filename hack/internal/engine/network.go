package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"qiantang.dev/rails/hack/internal/cache"
	"qiantang.dev/rails/hack/internal/command"
	"qiantang.dev/rails/hack/internal/record"
)

const (
	netnsDir  = "/run/netns"
	netnsPath = netnsDir + "/" + Namespace
)

func fields(s string) []string { return strings.Fields(s) }

// makeNetwork makes the namespace, the pair of interfaces and the route. What an interrupted run has left of them is
// removed first: it is recorded, so it is ours.
func (p *Private) makeNetwork(ctx context.Context, plan Plan) error {
	if err := removeLinks(ctx); err != nil {
		return err
	}
	for _, c := range networkCommands(plan) {
		if err := command.New("ip", fields(c)...).Run(ctx); err != nil {
			return err
		}
	}
	return p.Record.Update(func(s *record.State) { s.Docker.NetworkReady = true })
}

func networkCommands(plan Plan) []string {
	return []string{
		"netns add " + Namespace,
		"link add " + hostLink + " type veth peer name " + nsLink + " netns " + Namespace,
		"addr add " + plan.Host.String() + " dev " + hostLink,
		"link set " + hostLink + " up",
		"-n " + Namespace + " link set lo up",
		"-n " + Namespace + " addr add " + plan.Inner.String() + " dev " + nsLink,
		"-n " + Namespace + " link set " + nsLink + " up",
		// This machine reaches the nodes, and so NodePorts, through the namespace.
		"route add " + plan.Pool.String() + " via " + plan.Inner.Addr().String(),
		// Only so that the firewall sees what is sent elsewhere, and rejects it at once: without any route TCP would
		// try until its time-out.
		"-n " + Namespace + " route add default via " + plan.Host.Addr().String(),
	}
}

// firewall lets this machine in to the nodes, and nothing out but to this machine.
func (p *Private) firewall(ctx context.Context, plan Plan) error {
	iptables := func(args ...string) command.Cmd {
		return command.New("nsenter", append([]string{"--net=" + netnsPath, "iptables", "--wait"}, args...)...)
	}
	for _, r := range firewallRules(plan) {
		rule := fields(r)
		if iptables(append([]string{"--check"}, rule...)...).Run(ctx) == nil {
			continue
		}
		if err := iptables(append([]string{"--insert"}, rule...)...).Run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// firewallRules are inserted one after the other, so the last is looked at first.
func firewallRules(plan Plan) []string {
	// Docker's own chain drops what comes from outside and is not a published port.
	rules := []string{"DOCKER-USER -i " + nsLink + " -j ACCEPT"}
	for _, chain := range []string{"DOCKER-USER", "OUTPUT"} {
		out := chain + " -o " + nsLink + " ! -d " + plan.Host.Masked().String()
		rules = append(rules, out+" -j REJECT", out+" -p tcp -j REJECT --reject-with tcp-reset")
	}
	return rules
}

// removeLinks removes the namespace with all that is in it. The route goes with the interface.
func removeLinks(ctx context.Context) error {
	if _, err := net.InterfaceByName(hostLink); err == nil {
		if err := command.New("ip", "link", "del", hostLink).Run(ctx); err != nil {
			return err
		}
	}
	if cache.Exists(netnsPath) {
		return command.New("ip", "netns", "del", Namespace).Run(ctx)
	}
	return nil
}

func removeNetwork(ctx context.Context, d record.Docker) error {
	if err := removeLinks(ctx); err != nil {
		return err
	}
	if !d.MadeNetnsDir {
		return nil
	}
	// `ip netns add` has made the folder and mounted it on itself. Somebody else may use it by now.
	rest, err := os.ReadDir(netnsDir)
	if errors.Is(err, fs.ErrNotExist) || len(rest) > 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if err := unix.Unmount(netnsDir, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("unmounting %s: %w", netnsDir, err)
	}
	return os.Remove(netnsDir)
}
