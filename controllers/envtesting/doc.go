// Package envtesting is what tests of the control plane share: real API servers (kube-apiserver and etcd, no kubelet), an engine that
// plays the worker behind the real agent, and a network that can be cut.
package envtesting
