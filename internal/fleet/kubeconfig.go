package fleet

import (
	"errors"
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Target is where a region is.
type Target struct {
	// Kubeconfig leads to another cluster; nil is the operator's own.
	Kubeconfig []byte
	// Namespace of the region there.
	Namespace string
}

// errUntrusted explains why a kubeconfig is not used. It never holds the kubeconfig's content.
var errUntrusted = errors.New("a kubeconfig must hold its credentials itself: no commands and no files")

// restConfig reads a kubeconfig's current context. Whoever may write the Secret must not thereby run commands or read files in the
// operator's pod, so both are refused.
func restConfig(kubeconfig []byte) (*rest.Config, error) {
	c, err := clientcmd.Load(kubeconfig)
	if err != nil {
		return nil, errors.New("the kubeconfig cannot be read as YAML of a kubeconfig") // The cause may quote a secret.
	}
	current, ok := c.Contexts[c.CurrentContext]
	if !ok {
		return nil, fmt.Errorf("the kubeconfig has no context %q, which is its current-context", c.CurrentContext)
	}
	cluster, ok := c.Clusters[current.Cluster]
	if !ok {
		return nil, fmt.Errorf("the kubeconfig has no cluster %q", current.Cluster)
	}
	if cluster.CertificateAuthority != "" {
		return nil, fmt.Errorf("cluster %q: certificate-authority: %w", current.Cluster, errUntrusted)
	}
	if user := c.AuthInfos[current.AuthInfo]; user != nil {
		if field := untrusted(user); field != "" {
			return nil, fmt.Errorf("user %q: %s: %w", current.AuthInfo, field, errUntrusted)
		}
	}
	cfg, err := clientcmd.NewNonInteractiveClientConfig(*c, c.CurrentContext, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return nil, errors.New("the kubeconfig is incomplete or contradicts itself")
	}
	return cfg, nil
}

// untrusted names the first field that would run a command or read a file.
func untrusted(u *clientcmdapi.AuthInfo) string {
	switch {
	case u.Exec != nil:
		return "exec"
	case u.AuthProvider != nil:
		return "auth-provider"
	case u.TokenFile != "":
		return "tokenFile"
	case u.ClientCertificate != "":
		return "client-certificate"
	case u.ClientKey != "":
		return "client-key"
	}
	return ""
}
