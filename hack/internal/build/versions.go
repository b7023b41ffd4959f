package build

// The versions that a cluster is made of. Kubernetes' staging modules carry the same version as v0.
const (
	Kubernetes        = "v1.37.2"
	kubernetesStaging = "v0.37.2"
	Etcd              = "v3.7.0"
	CoreDNS           = "v1.14.6"
	Containerd        = "v2.4.2"
	Crictl            = "v1.36.0"
	CNIPlugins        = "v1.9.1"
	LocalPath         = "v0.0.30"
	Kind              = "v0.33.0"
)

// Names of components, as the cache's folders have them.
const (
	kubernetesName = "kubernetes-" + Kubernetes
	etcdName       = "etcd-" + Etcd
	coreDNSName    = "coredns-" + CoreDNS
	containerdName = "containerd-" + Containerd
	crictlName     = "crictl-" + Crictl
	cniName        = "cni-plugins-" + CNIPlugins
	localPathName  = "local-path-provisioner-" + LocalPath
	kindName       = "kind-" + Kind
)

// kubernetesPrograms are all that is built of Kubernetes: they share one set of requirements.
var kubernetesPrograms = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet",
	"kubeadm", "kubectl"}

// Program is one program of one component.
type Program struct {
	Component string // folder below the cache's bin, with the version
	Name      string // file name
	make      recipe
	hint      string // what the first build takes on 2 cores; empty where it is too short to tell
}

// What can be built. The order within Node is that of need: what is started first comes first.
var (
	APIServer         = kubernetes("kube-apiserver", "about 3 min")
	ControllerManager = kubernetes("kube-controller-manager", "about 1 min")
	Scheduler         = kubernetes("kube-scheduler", "")
	Proxy             = kubernetes("kube-proxy", "")
	Kubelet           = kubernetes("kubelet", "about 1 min")
	Kubeadm           = kubernetes("kubeadm", "")
	Kubectl           = kubernetes("kubectl", "about 30 s")

	EtcdServer = Program{etcdName, "etcd", required("go.etcd.io/etcd/server/v3", Etcd), "about 1 min"}
	CoreDNSBin = Program{coreDNSName, "coredns", installed("github.com/coredns/coredns", CoreDNS, ""), "about 2 min"}
	KindBin    = Program{kindName, "kind", installed("sigs.k8s.io/kind", Kind, ""), ""}
	LocalPV    = Program{localPathName, "local-path-provisioner",
		installed("github.com/rancher/local-path-provisioner", LocalPath, ""), ""}
	CrictlBin = Program{crictlName, "crictl", copied("sigs.k8s.io/cri-tools", Crictl, "./cmd/crictl",
		"-X sigs.k8s.io/cri-tools/pkg/version.Version="+Crictl), ""}

	NodeContainerd = containerd("containerd")
	NodeShim       = containerd("containerd-shim-runc-v2")
	NodeCtr        = containerd("ctr")

	CNI = []Program{cni("ipam/host-local", "host-local"), cni("main/loopback", "loopback"), cni("main/ptp", "ptp"),
		cni("meta/portmap", "portmap")}
)

// Assets is what envtest needs.
func Assets() []Program { return []Program{APIServer, EtcdServer, Kubectl} }

// Node is what a node image is made of, besides the programs of this module.
func Node() []Program {
	return append([]Program{APIServer, EtcdServer, Kubectl, Kubelet, Kubeadm, ControllerManager, Scheduler, Proxy,
		NodeContainerd, NodeShim, NodeCtr, CrictlBin, LocalPV, CoreDNSBin}, CNI...)
}

func kubernetes(name, hint string) Program {
	return Program{kubernetesName, name, buildKubernetes, hint}
}

func containerd(name string) Program {
	const mod = "github.com/containerd/containerd/v2"
	return Program{containerdName, name, installed(mod+"/cmd/"+name, Containerd,
		"-X "+mod+"/version.Version="+Containerd), ""}
}

func cni(path, name string) Program {
	return Program{cniName, name, installed("github.com/containernetworking/plugins/plugins/"+path, CNIPlugins, ""), ""}
}
