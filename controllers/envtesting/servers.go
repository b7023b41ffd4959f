package envtesting

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

var (
	servers      []*rest.Config
	environments []*envtest.Environment
)

// Run starts n API servers with our CRDs, runs m's tests, and stops the servers, also where a test panics. Without KUBEBUILDER_ASSETS it starts none, and the
// tests that need one are skipped.
func Run(m *testing.M, n int) int {
	ctrl.SetLogger(logr.Discard()) // What has no logger of a test's own says nothing.
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return m.Run()
	}
	if os.Getenv(supervised) == "" {
		return supervise()
	}
	for range n {
		env := &envtest.Environment{
			CRDDirectoryPaths: []string{filepath.Join(root(), "config", "crd", "bases")}, ErrorIfCRDPathMissing: true,
			ControlPlaneStartTimeout: time.Minute, ControlPlaneStopTimeout: time.Minute,
		}
		cfg, err := env.Start()
		if err != nil {
			fmt.Fprintln(os.Stderr, "envtesting:", err)
			return 1
		}
		defer func() {
			if err := env.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "envtesting:", err)
			}
		}()
		cfg.QPS, cfg.Burst = 500, 1000
		servers, environments = append(servers, cfg), append(environments, env)
	}
	return m.Run()
}

// Server is the i-th API server; the test is skipped where there is none.
func Server(t testing.TB, i int) *rest.Config {
	t.Helper()
	if i >= len(servers) {
		t.Skip("KUBEBUILDER_ASSETS is not set: `make test` sets it to a kube-apiserver and etcd")
	}
	return rest.CopyConfig(servers[i])
}

// User is somebody on the i-th API server who may do nothing yet.
func User(t testing.TB, i int, name string) *rest.Config {
	t.Helper()
	Server(t, i)
	user, err := environments[i].AddUser(envtest.User{Name: name}, servers[i])
	if err != nil {
		t.Fatal(err)
	}
	cfg := user.Config()
	cfg.QPS, cfg.Burst = 500, 1000
	return cfg
}

// ServiceAccount is a ServiceAccount on the i-th API server, as a pod of it would be.
func ServiceAccount(t testing.TB, i int, namespace, name string) *rest.Config {
	t.Helper()
	cfg := Server(t, i)
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var token string
	Eventually(t, "a token of ServiceAccount "+name, func() error {
		r, err := cs.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
		if err == nil {
			token = r.Status.Token
		}
		return err
	})
	as := rest.AnonymousClientConfig(cfg)
	as.BearerToken = token
	return as
}

// Kubeconfig leads to cfg's server at host (empty: where it is), with cfg's credentials in it.
func Kubeconfig(t testing.TB, cfg *rest.Config, host string) []byte {
	t.Helper()
	if host == "" {
		host = cfg.Host
	}
	c := clientcmdapi.NewConfig()
	c.Clusters["region"] = &clientcmdapi.Cluster{Server: host, CertificateAuthorityData: cfg.CAData}
	c.AuthInfos["operator"] = &clientcmdapi.AuthInfo{ClientCertificateData: cfg.CertData, ClientKeyData: cfg.KeyData, Token: cfg.BearerToken}
	c.Contexts["region"] = &clientcmdapi.Context{Cluster: "region", AuthInfo: "operator"}
	c.CurrentContext = "region"
	out, err := clientcmd.Write(*c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Eventually waits until check returns no error, and fails with its last one after a minute.
func Eventually(t testing.TB, what string, check func() error) {
	t.Helper()
	EventuallyWithin(t, time.Minute, what, check)
}

// EventuallyWithin is Eventually with another limit.
func EventuallyWithin(t testing.TB, limit time.Duration, what string, check func() error) {
	t.Helper()
	if err := poll(limit, check); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func poll(limit time.Duration, check func() error) error {
	deadline := time.After(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-deadline:
			return err
		case <-tick.C:
		}
	}
}
