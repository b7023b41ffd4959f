// Command kindnetd connects the pods of a kind cluster. It stands in for kind's own CNI daemon, which no module proxy
// has, behind the very DaemonSet that kind applies: same image name, same environment, same mounts.
//
// On each node it writes the CNI configuration for the node's pod network, keeps a route to every other node's, and
// masquerades what leaves the pods' network, so that pods reach other clusters' nodes and the host. It enforces no
// NetworkPolicy and knows IPv4 alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	hostIP, pods := os.Getenv("HOST_IP"), os.Getenv("POD_SUBNET")
	if hostIP == "" || pods == "" {
		return errors.New("HOST_IP and POD_SUBNET must be set: kind's DaemonSet does so")
	}
	cfg, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	// kind names the control plane here, so that this daemon need not wait for kube-proxy, which comes up beside it.
	if e := os.Getenv("CONTROL_PLANE_ENDPOINT"); e != "" {
		cfg.Host = "https://" + e
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	if err := masquerade(ctx, pods); err != nil {
		return err
	}
	n := &node{ip: hostIP, conf: confPath}
	nodes := informers.NewSharedInformerFactory(client, 0)
	_, err = nodes.Core().V1().Nodes().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { n.log(n.seen(o)) },
		UpdateFunc: func(_, o any) { n.log(n.seen(o)) },
		DeleteFunc: func(o any) { n.log(n.gone(o)) },
	})
	if err != nil {
		return err
	}
	nodes.Start(ctx.Done())
	<-ctx.Done()
	nodes.Shutdown()
	return nil
}

// node is the one that this daemon runs on.
type node struct {
	ip   string
	conf string
}

func (n *node) log(err error) {
	if err != nil {
		log.Print(err)
	}
}

// seen brings the node in line with what is known of any node, itself included.
func (n *node) seen(o any) error {
	other, ok := o.(*v1.Node)
	if !ok {
		return fmt.Errorf("expected a Node, got %T", o)
	}
	ip, pods := internalIP(other), other.Spec.PodCIDR
	switch {
	case ip == "" || pods == "": // not assigned yet: there will be an update
		return nil
	case ip == n.ip:
		return writeConf(n.conf, pods)
	default:
		return routeTo(pods, ip)
	}
}

func (n *node) gone(o any) error {
	if t, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = t.Obj
	}
	other, ok := o.(*v1.Node)
	if !ok {
		return fmt.Errorf("expected a Node, got %T", o)
	}
	if other.Spec.PodCIDR == "" || internalIP(other) == n.ip {
		return nil
	}
	return unroute(other.Spec.PodCIDR)
}

func internalIP(n *v1.Node) string {
	for _, a := range n.Status.Addresses {
		if a.Type == v1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}
