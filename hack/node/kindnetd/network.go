package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"os"
	"os/exec"
	"syscall"

	"github.com/vishvananda/netlink"
)

const (
	confPath = "/etc/cni/net.d/10-kindnet.conflist"
	chain    = "QIANTANG-MASQ"
)

// confList is the CNI configuration for a node's pods: a pair of interfaces for each, addresses from the node's range,
// and host ports.
func confList(pods string) ([]byte, error) {
	if _, _, err := net.ParseCIDR(pods); err != nil {
		return nil, fmt.Errorf("podCIDR: %w", err)
	}
	type object = map[string]any
	return json.MarshalIndent(object{
		"cniVersion": "0.4.0",
		"name":       "kindnet",
		"plugins": []object{
			{
				"type": "ptp", "ipMasq": false,
				"ipam": object{
					"type": "host-local", "dataDir": "/run/cni-ipam-state",
					"routes": []object{{"dst": "0.0.0.0/0"}},
					"ranges": [][]object{{{"subnet": pods}}},
				},
			},
			{"type": "portmap", "capabilities": object{"portMappings": true}},
		},
	}, "", " ")
}

// writeConf puts the configuration where containerd looks for it, in one step, because containerd reads it as soon as
// the folder changes. An unchanged one is left alone.
func writeConf(path, pods string) error {
	b, err := confList(pods)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err == nil && bytes.Equal(old, b) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, b, 0o644); err != nil {
		return err
	}
	log.Printf("pods of this node get addresses from %s", pods)
	return os.Rename(tmp, path)
}

func routeTo(pods, via string) error {
	_, dst, err := net.ParseCIDR(pods)
	if err != nil {
		return fmt.Errorf("podCIDR: %w", err)
	}
	if err := netlink.RouteReplace(&netlink.Route{Dst: dst, Gw: net.ParseIP(via)}); err != nil {
		return fmt.Errorf("route to %s via %s: %w", pods, via, err)
	}
	return nil
}

func unroute(pods string) error {
	_, dst, err := net.ParseCIDR(pods)
	if err != nil {
		return fmt.Errorf("podCIDR: %w", err)
	}
	if err := netlink.RouteDel(&netlink.Route{Dst: dst}); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("removing the route to %s: %w", pods, err)
	}
	return nil
}

// masquerade gives the node's address to what pods send beyond the pods' network.
func masquerade(ctx context.Context, pods string) error {
	_ = iptables(ctx, "-N", chain) // it is there already after a restart of this daemon
	for _, rule := range masqueradeRules(pods) {
		if err := iptables(ctx, rule...); err != nil {
			return err
		}
	}
	jump := []string{"POSTROUTING", "-s", pods, "-j", chain}
	if iptables(ctx, append([]string{"-C"}, jump...)...) == nil {
		return nil
	}
	return iptables(ctx, append([]string{"-A"}, jump...)...)
}

func masqueradeRules(pods string) [][]string {
	return [][]string{
		{"-F", chain},
		{"-A", chain, "-m", "addrtype", "--dst-type", "LOCAL", "-j", "RETURN"},
		{"-A", chain, "-d", pods, "-j", "RETURN"},
		{"-A", chain, "-j", "MASQUERADE"},
	}
}

func iptables(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "iptables", append([]string{"--wait", "--table", "nat"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd, err, bytes.TrimSpace(out))
	}
	return nil
}
