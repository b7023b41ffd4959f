package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"qiantang.dev/rails/hack/internal/command"
)

// made is what `cluster up` and `cluster status` print.
type made struct {
	Kubectl  string
	Clusters []struct{ Name, Kubeconfig, InternalKubeconfig, NodeIP string }
}

// clusters brings up the clusters, or takes the user's own.
func (d *demo) clusters(ctx context.Context) error {
	if os.Getenv("CLUSTER") == "existing" {
		return d.existing(ctx)
	}
	if c := os.Getenv("CLUSTER"); c != "" {
		return fmt.Errorf("CLUSTER %q: want existing, or nothing", c)
	}
	if d.record.Existing != "" {
		return fmt.Errorf("the demo runs in context %q: `make demo-down` first", d.record.Existing)
	}
	names := []string{hubCluster, eastCluster}
	if d.facts.MemoryMiB < twoClustersMiB {
		d.say.Say("This machine has %d MiB of memory, two clusters want %d: region us-east becomes a third namespace of the hub cluster.", d.facts.MemoryMiB, twoClustersMiB)
		names = names[:1]
	}
	if err := d.remember(func(r *record) { r.Clusters = names }); err != nil {
		return err
	}
	out, err := d.cluster(ctx, append([]string{"up"}, names...)...)
	if err != nil {
		return err
	}
	var m made
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		return fmt.Errorf("cluster up printed %q: %w", out, err)
	}
	return d.remember(func(r *record) {
		r.Kubectl = m.Kubectl
		for _, c := range m.Clusters {
			p := place{Kubeconfig: c.Kubeconfig, NodeIP: c.NodeIP}
			switch c.Name {
			case hubCluster:
				r.Hub = p
				r.Regions = map[string]place{"cn-hangzhou": p, "eu-frankfurt": p}
				if len(names) == 1 {
					r.Regions["us-east"] = p
				}
			}
		}
		for _, c := range m.Clusters {
			if c.Name == eastCluster && len(names) == 2 {
				r.Regions["us-east"] = place{Kubeconfig: c.Kubeconfig, Internal: c.InternalKubeconfig, NodeIP: c.NodeIP}
			}
		}
	})
}

// existing takes the current kube context. All three regions are namespaces there.
func (d *demo) existing(ctx context.Context) error {
	if len(d.record.Clusters) > 0 {
		return errors.New("the demo runs in clusters of its own: `make demo-down` first")
	}
	kubectl := "kubectl"
	name, err := command.New(kubectl, "config", "current-context").Output(ctx)
	if err != nil {
		return fmt.Errorf("CLUSTER=existing: %w", err)
	}
	name = strings.TrimSpace(name)
	if d.record.Existing != "" && d.record.Existing != name {
		return fmt.Errorf("the demo runs in context %q, the current one is %q: `make demo-down` first", d.record.Existing, name)
	}
	ip, err := command.New(kubectl, "get", "nodes", "-o", `jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}`).Output(ctx)
	if err != nil {
		return err
	}
	p := place{Kubeconfig: kubeconfigInUse(), Context: name, NodeIP: strings.TrimSpace(ip)}
	d.say.Say("Using the cluster of context %s; region us-east becomes a third namespace of it.", name)
	return d.remember(func(r *record) {
		r.Existing, r.Kubectl, r.Hub = name, kubectl, p
		r.Regions = map[string]place{"cn-hangzhou": p, "eu-frankfurt": p, "us-east": p}
	})
}

func kubeconfigInUse() string {
	if k := os.Getenv("KUBECONFIG"); k != "" {
		return k
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".kube", "config")
}

// cluster runs the cluster tool; what it says of its progress goes straight to the terminal.
func (d *demo) cluster(ctx context.Context, args ...string) (string, error) {
	bin := d.cache.Path("bin", "cluster-tool")
	build := command.New("go", "build", "-buildvcs=false", "-o", bin, "./cluster").InDir(d.path("hack"))
	if err := build.Run(ctx); err != nil {
		return "", err
	}
	return passing(ctx, bin, args...)
}

// image builds the one image without Docker and loads it into the clusters.
func (d *demo) image(ctx context.Context) error {
	if ref := os.Getenv("IMAGE"); ref != "" {
		d.say.Say("Using the image %s, which the cluster must be able to pull.", ref)
		return d.remember(func(r *record) { r.Image = ref })
	}
	kindName, isKind := strings.CutPrefix(d.record.Existing, "kind-")
	if d.record.Existing != "" && !isKind {
		return fmt.Errorf("context %s is not a kind cluster, so the image cannot be loaded into it: push one and name it, IMAGE=registry/qiantang:tag make demo CLUSTER=existing", d.record.Existing)
	}
	sum, err := fileHash(d.tools.qiantang)
	if err != nil {
		return err
	}
	ref := "qiantang.dev/qiantang:demo-" + sum
	archive := d.cache.Run("demo", "qiantang.tar")
	if err := os.MkdirAll(filepath.Dir(archive), 0o755); err != nil {
		return err
	}
	if _, err := d.cluster(ctx, "image", "--binary", d.tools.qiantang, "--tag", ref, "--output", archive); err != nil {
		return err
	}
	if d.record.Existing != "" {
		if err := command.New("kind", "load", "image-archive", archive, "--name", kindName).Run(ctx); err != nil {
			return err
		}
	} else {
		args := []string{"load"}
		for _, name := range d.record.Clusters {
			args = append(args, "--name", name)
		}
		if _, err := d.cluster(ctx, append(args, archive)...); err != nil {
			return err
		}
	}
	return d.remember(func(r *record) { r.Image = ref })
}

// down removes what the record names.
func (d *demo) down(ctx context.Context) error {
	switch {
	case d.record.Existing != "":
		if err := d.uninstall(ctx); err != nil {
			return err
		}
	case len(d.record.Clusters) > 0:
		if _, err := d.cluster(ctx, append([]string{"down"}, d.record.Clusters...)...); err != nil {
			return err
		}
	default:
		d.say.Say("There is no demo to remove.")
		return nil
	}
	if err := os.RemoveAll(d.cache.Run("demo")); err != nil {
		return err
	}
	return os.Remove(d.recordPath())
}
