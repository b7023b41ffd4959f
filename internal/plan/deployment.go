package plan

// Deployment is what a region's workers run on. It goes to whoever renders the region's objects, never to the workers, and is
// no part of a Region's revision: more replicas are no new configuration.
type Deployment struct {
	// Namespace in the region's cluster.
	Namespace string `json:"namespace"`
	// Kubeconfig is where the kubeconfig of another cluster is kept; nil: the operator's own cluster.
	Kubeconfig *SecretKey `json:"kubeconfig,omitempty"`
	// Image of the workers; empty: the operator's own.
	Image string `json:"image,omitempty"`

	// Embedded or PostgreSQL: exactly one is set.
	Embedded   *EmbeddedLedger   `json:"embedded,omitempty"`
	PostgreSQL *PostgreSQLLedger `json:"postgreSQL,omitempty"`

	// Router and Settler are the pools. With an embedded ledger there is one pod with both roles, which Router sizes.
	Router  Pool `json:"router"`
	Settler Pool `json:"settler"`

	Service Service `json:"service"`

	// Credentials are the Secrets of the institution's namespace that this region's providers need, by Provider.Credentials.
	// Sorted, without repetition.
	Credentials []string `json:"credentials,omitempty"`
	// Materials are single keys that they need, too.
	Materials []Material `json:"materials,omitempty"`
}

// SecretKey is one key of a Secret in the institution's namespace.
type SecretKey struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// EmbeddedLedger is a volume for SQLite.
type EmbeddedLedger struct {
	// Size as a Kubernetes quantity.
	Size string `json:"size"`
	// StorageClass; empty: the cluster's default.
	StorageClass string `json:"storageClass,omitempty"`
}

// PostgreSQLLedger is a database.
type PostgreSQLLedger struct {
	// DSN is where the connection string is kept.
	DSN SecretKey `json:"dsn"`
	// Owner is where the connection string of the schema's owner is kept, for migrations alone; nil: DSN's role is the owner.
	Owner *SecretKey `json:"owner,omitempty"`
}

// Pool is a number of equal pods.
type Pool struct {
	Replicas int32 `json:"replicas"`
	// Autoscale lets the number grow with the CPU used; nil: Replicas is fixed, else it is the least.
	Autoscale *Autoscale `json:"autoscale,omitempty"`
	// Requests and Limits of each pod.
	Requests Resources `json:"requests"`
	Limits   Resources `json:"limits"`
}

// Autoscale bounds a pool.
type Autoscale struct {
	Min       int32 `json:"min"`
	Max       int32 `json:"max"`
	TargetCPU int32 `json:"targetCPU"`
}

// Resources as Kubernetes quantities; empty: none stated.
type Resources struct {
	CPU    string `json:"cpu,omitempty"`
	Memory string `json:"memory,omitempty"`
}

// Service is how the routers are reached.
type Service struct {
	// Type: ClusterIP or NodePort.
	Type string `json:"type"`
	// NodePort wanted; zero: the cluster chooses.
	NodePort int32 `json:"nodePort,omitempty"`
}
