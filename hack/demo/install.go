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

// schedule of the samples that the demo settles on.
const schedule = "shanghai-daily"

// install brings the two charts to the hub: the resources' definitions, then the operator.
func (d *demo) install(ctx context.Context) error {
	var err error
	if d.tools.helm, err = d.helm(ctx); err != nil {
		return err
	}
	name, tag, _ := strings.Cut(d.record.Image, ":")
	if i := strings.LastIndexByte(d.record.Image, ':'); i > strings.LastIndexByte(d.record.Image, '/') {
		name, tag = d.record.Image[:i], d.record.Image[i+1:]
	}
	return d.say.Step("installing the operator with helm", "", func() error {
		if err := d.helmCmd(d.record.Hub, "upgrade", "--install", "qiantang-crds", d.path("charts", "qiantang-crds"),
			"--namespace", operatorNS, "--create-namespace", "--wait").Run(ctx); err != nil {
			return err
		}
		return d.helmCmd(d.record.Hub, "upgrade", "--install", "qiantang", d.path("charts", "qiantang"), "--namespace", operatorNS,
			"--set", "image.repository="+name, "--set-string", "image.tag="+tag, "--set", "image.pullPolicy=IfNotPresent",
			"--wait", "--timeout", "3m").Run(ctx)
	})
}

// helm finds helm, or builds the pinned one.
func (d *demo) helm(ctx context.Context) (string, error) {
	var path string
	err := d.say.Step("looking for helm", "built on the first run, about 1 min", func() error {
		out, err := command.New("make", "--no-print-directory", "-s", "tools-helm").InDir(d.repo).Output(ctx)
		path = strings.TrimSpace(out)
		return err
	})
	return path, err
}

func (d *demo) helmCmd(p place, args ...string) command.Cmd {
	if p.Context != "" {
		args = append(args, "--kube-context", p.Context)
	}
	return command.New(d.tools.helm, append(args, "--kubeconfig", p.Kubeconfig)...)
}

// simulators puts the providers and the clearing system into each cluster, all with the same keys.
func (d *demo) simulators(ctx context.Context) error {
	keys := d.cache.Run("demo", "keys")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		return err
	}
	return d.say.Step("starting the simulated providers and clearing systems", "", func() error {
		secret, err := d.secrets(ctx, simulatorNS)
		if err != nil {
			return err
		}
		manifest, err := os.ReadFile(d.path("config", "simulator", "simulator.yaml"))
		if err != nil {
			return err
		}
		for _, p := range d.places() {
			text := strings.ReplaceAll(string(manifest), "qiantang.dev/qiantang:latest", d.record.Image)
			if err := d.apply(ctx, p, text); err != nil {
				return err
			}
			if err := d.apply(ctx, p, secret); err != nil {
				return err
			}
			if err := d.kubectl(p, "-n", simulatorNS, "rollout", "status", "deployment/qiantang-simulator", "--timeout=120s").Run(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// secrets are the simulators' keys and the credentials that fit them, as far as they belong into a namespace.
func (d *demo) secrets(ctx context.Context, namespace string) (string, error) {
	out, err := command.New(d.tools.qiantang, "sim", "credentials", "--keys", d.cache.Run("demo", "keys"), "--namespace", institution,
		"--simulator-secret", "simulator-keys", "--simulator-namespace", simulatorNS).Output(ctx)
	if err != nil {
		return "", err
	}
	var list struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Items      []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return "", fmt.Errorf("sim credentials: %w", err)
	}
	all := list.Items
	list.Items = nil
	for _, item := range all {
		var of struct{ Metadata struct{ Namespace string } }
		if err := json.Unmarshal(item, &of); err != nil {
			return "", fmt.Errorf("sim credentials: %w", err)
		}
		if of.Metadata.Namespace == namespace {
			list.Items = append(list.Items, item)
		}
	}
	b, err := json.Marshal(list)
	return string(b), err
}

// rails applies the samples, with the credentials that the simulators want and, for the second cluster, its kubeconfig.
func (d *demo) rails(ctx context.Context) error {
	return d.say.Step("applying config/samples", "", func() error {
		hub := d.record.Hub
		if err := d.apply(ctx, hub, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: "+institution+"\n"); err != nil {
			return err
		}
		credentials, err := d.secrets(ctx, institution)
		if err != nil {
			return err
		}
		if err := d.apply(ctx, hub, credentials); err != nil {
			return err
		}
		east := d.record.Regions["us-east"]
		if east.Internal != "" {
			kubeconfig, err := os.ReadFile(east.Internal)
			if err != nil {
				return err
			}
			if err := d.apply(ctx, hub, fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata:\n  name: us-east-kubeconfig\n  namespace: %s\nstringData:\n  kubeconfig: |\n%s\n",
				institution, indentBy(string(kubeconfig), "    "))); err != nil {
				return err
			}
		}
		samples, err := d.samples(east.Internal == "")
		if err != nil {
			return err
		}
		return d.apply(ctx, hub, samples)
	})
}

// samples are config/samples as one manifest; with one cluster, us-east is told to be there too.
func (d *demo) samples(oneCluster bool) (string, error) {
	files, err := filepath.Glob(d.path("config", "samples", "*.yaml"))
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&all, "---\n%s\n", b)
	}
	if !oneCluster {
		return all.String(), nil
	}
	const elsewhere, here = "type: Kubeconfig\n    kubeconfigSecretRef:\n      name: us-east-kubeconfig\n", "type: Local\n"
	if !strings.Contains(all.String(), elsewhere) {
		return "", errors.New("config/samples: region us-east does not say that it is in another cluster")
	}
	return strings.Replace(all.String(), elsewhere, here, 1), nil
}

// ready waits until everything says so, shows it, and finds the routers' addresses.
func (d *demo) ready(ctx context.Context) error {
	err := d.say.Step("waiting until `kubectl get rails` says that all is Ready", "", func() error {
		return d.kubectl(d.record.Hub, "-n", institution, "wait", "--for=condition=Ready", "--all", "--timeout=300s",
			"regions,paymentrails,fxproviders,paymentcorridors,settlementschedules,participants").Run(ctx)
	})
	if err != nil {
		d.showRails(ctx)
		return err
	}
	d.showRails(ctx)
	return d.remember(func(r *record) {
		for name, p := range r.Regions {
			ns := institution + "-" + name
			port, perr := d.kubectl(p, "-n", ns, "get", "service", name+"-router", "-o", "jsonpath={.spec.ports[0].nodePort}").Output(ctx)
			if perr != nil || port == "" {
				err = fmt.Errorf("region %s: its Service has no node port: %w", name, perr)
				return
			}
			p.URL = fmt.Sprintf("http://%s:%s", p.NodeIP, port)
			r.Regions[name] = p
		}
	})
}

func (d *demo) showRails(ctx context.Context) {
	out, err := d.kubectl(d.record.Hub, "-n", institution, "get", "rails").Output(ctx)
	if err != nil {
		out = err.Error()
	}
	fmt.Printf("\n$ kubectl -n %s get rails\n%s\n", institution, out)
}

// uninstall removes the demo from the user's own cluster: its resources first, so that the operator can clean up behind them.
func (d *demo) uninstall(ctx context.Context) error {
	hub := d.record.Hub
	steps := []command.Cmd{
		// Corridors drain while their credentials are still there; a namespace would lose its Secrets first.
		d.kubectl(hub, "-n", institution, "delete", "paymentcorridors.rails.qiantang.dev", "--all", "--timeout=180s"),
		d.kubectl(hub, "-n", institution, "delete", "regions.rails.qiantang.dev", "--all", "--timeout=180s"),
		d.kubectl(hub, "delete", "namespace", institution, "--ignore-not-found", "--timeout=180s"),
		d.kubectl(hub, "delete", "namespace", institution+"-cn-hangzhou", institution+"-eu-frankfurt", institution+"-us-east", simulatorNS, "--ignore-not-found", "--timeout=180s"),
	}
	var err error
	if d.tools.helm, err = d.helm(ctx); err != nil {
		return err
	}
	steps = append(steps,
		d.helmCmd(hub, "uninstall", "qiantang", "--namespace", operatorNS, "--ignore-not-found"),
		d.helmCmd(hub, "uninstall", "qiantang-crds", "--namespace", operatorNS, "--ignore-not-found"),
		d.kubectl(hub, "delete", "crd", "-l", "app.kubernetes.io/part-of=qiantang", "--ignore-not-found"),
		d.kubectl(hub, "delete", "namespace", operatorNS, "--ignore-not-found", "--timeout=120s"))
	return d.say.Step("removing the demo from context "+d.record.Existing, "", func() error {
		for _, c := range steps {
			if err := c.Run(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// farewell says how to go on.
func (d *demo) farewell() {
	east := d.record.Regions["us-east"]
	fmt.Printf(`
The clusters stay up. To look around:

  export KUBECONFIG=%s%s
  kubectl -n %s get rails                              # is everything live, and if not, why
  kubectl -n %s describe paymentcorridor us-cn         # what is served where
  kubectl -n %s delete statefulset cn-hangzhou-worker  # break it: it comes back
  curl -s %s/v1/corridors                              # a router; its API is described at %s/docs

make demo      sends another thousand
make demo-down removes all of it
`, d.record.Hub.Kubeconfig, onPath(d.record.Kubectl), institution, institution, institution+"-cn-hangzhou", east.URL, east.URL)
}

// onPath says how to find a kubectl that the demo built; the user's own needs nothing.
func onPath(kubectl string) string {
	if dir := filepath.Dir(kubectl); dir != "." {
		return " PATH=" + dir + ":$PATH"
	}
	return ""
}

func indent(s string) string { return indentBy(strings.TrimRight(s, "\n"), "    ") }

func indentBy(s, by string) string {
	return by + strings.ReplaceAll(s, "\n", "\n"+by)
}
