package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Region is a cluster and jurisdiction where routing and settlement workers run.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:resource:path=regions,scope=Namespaced,shortName=rgn,categories=rails
// +kubebuilder:printcolumn:name="Jurisdiction",type=string,JSONPath=`.spec.jurisdiction`
// +kubebuilder:printcolumn:name="Ledger",type=string,JSONPath=`.spec.ledger.type`
// +kubebuilder:printcolumn:name="Workers",type=string,JSONPath=`.status.workerSummary`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.revision`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Namespace-There",type=string,JSONPath=`.status.effective.namespace`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')",messageExpression="'name ' + self.metadata.name + ' must be at most 40 lower case letters, digits and hyphens, beginning with a letter: workers and Services are named after it'"
type Region struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is wanted.
	// +required
	Spec RegionSpec `json:"spec,omitempty,omitzero"`

	// status is what the operator last saw.
	// +optional
	Status RegionStatus `json:"status,omitempty,omitzero"`
}

// RegionSpec is what a region should be.
// +kubebuilder:validation:XValidation:rule="self.ledger.type != 'Embedded' || !has(self.workers) || !has(self.workers.settler)",message="workers.settler must be unset with ledger.type Embedded: one pod has both roles, and workers.router sizes it"
// +kubebuilder:validation:XValidation:rule="self.ledger.type != 'Embedded' || !has(self.workers) || !has(self.workers.router) || !has(self.workers.router.autoscaling)",message="workers.router.autoscaling must be unset with ledger.type Embedded: an embedded ledger has one writer"
// +kubebuilder:validation:XValidation:rule="self.ledger.type != 'Embedded' || !has(self.workers) || !has(self.workers.router) || !has(self.workers.router.replicas) || self.workers.router.replicas == 1",message="workers.router.replicas must be 1 with ledger.type Embedded: an embedded ledger has one writer",fieldPath=".workers.router.replicas"
// +kubebuilder:validation:XValidation:rule="has(self.__namespace__) == has(oldSelf.__namespace__) && (!has(self.__namespace__) || self.__namespace__ == oldSelf.__namespace__)",messageExpression="'namespace cannot change from ' + (has(oldSelf.__namespace__) ? oldSelf.__namespace__ : 'unset') + ' to ' + (has(self.__namespace__) ? self.__namespace__ : 'unset') + ': workers and books do not move by themselves'",fieldPath=".namespace"
// +kubebuilder:validation:XValidation:rule="(has(self.cluster) ? self.cluster.type : 'Local') == (has(oldSelf.cluster) ? oldSelf.cluster.type : 'Local')",messageExpression="'cluster.type cannot change to ' + (has(self.cluster) ? self.cluster.type : 'Local') + ': workers and books do not move by themselves'",fieldPath=".cluster.type"
type RegionSpec struct {
	// jurisdiction is the country whose law the region's workers are under.
	// +required
	Jurisdiction CountryCode `json:"jurisdiction,omitempty"`

	// cluster is where the workers run. Unset, in the operator's own cluster.
	// +optional
	Cluster RegionCluster `json:"cluster,omitempty,omitzero"`

	// namespace in that cluster. It is created when missing, never deleted, and cannot be changed. Unset, "<namespace of this resource>-<its name>".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Namespace string `json:"namespace,omitempty"`

	// ledger is where the region's books are kept.
	// +required
	Ledger RegionLedger `json:"ledger,omitempty,omitzero"`

	// workers sizes the worker pools.
	// +optional
	Workers RegionWorkers `json:"workers,omitempty,omitzero"`

	// service is how the routers are reached. Unset, a ClusterIP Service.
	// +optional
	Service RegionService `json:"service,omitempty,omitzero"`

	// api says how the workers' API is served and who may use it. Unset, it is plain HTTP, and open: whoever reaches it may do everything.
	// +optional
	API RegionAPI `json:"api,omitempty,omitzero"`

	// webhooks are told of what becomes of payments. They are declared here and nowhere else: no API takes an address to send to.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Webhooks []RegionWebhook `json:"webhooks,omitempty"`

	// image of the workers. Unset, the operator's own image, so that both are of one version.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`
}

// RegionClusterType says where a region's cluster is.
// +kubebuilder:validation:Enum=Local;Kubeconfig
type RegionClusterType string

// The places where a region can be.
const (
	// RegionClusterLocal is the operator's own cluster.
	RegionClusterLocal RegionClusterType = "Local"
	// RegionClusterKubeconfig is the cluster that a kubeconfig in a Secret leads to.
	RegionClusterKubeconfig RegionClusterType = "Kubeconfig"
)

// RegionCluster is where a region's workers run.
// +kubebuilder:validation:XValidation:rule="has(self.kubeconfigSecretRef) == (self.type == 'Kubeconfig')",messageExpression="'kubeconfigSecretRef must be set when type is Kubeconfig, and only then; type is ' + self.type"
type RegionCluster struct {
	// type is Local for the operator's own cluster, Kubeconfig for another.
	// +required
	Type RegionClusterType `json:"type,omitempty"`

	// kubeconfigSecretRef is a Secret whose key (unset: "kubeconfig") holds a kubeconfig. Its current context is used.
	// +optional
	KubeconfigSecretRef SecretKeyReference `json:"kubeconfigSecretRef,omitempty,omitzero"`
}

// RegionLedgerType says which store keeps the books.
// +kubebuilder:validation:Enum=Embedded;PostgreSQL
type RegionLedgerType string

// The ledger's stores.
const (
	// RegionLedgerEmbedded is SQLite on a volume: one pod, both roles.
	RegionLedgerEmbedded RegionLedgerType = "Embedded"
	// RegionLedgerPostgreSQL is a PostgreSQL database: as many pods as wanted.
	RegionLedgerPostgreSQL RegionLedgerType = "PostgreSQL"
)

// RegionLedger is where a region's books are kept.
// +kubebuilder:validation:XValidation:rule="has(self.postgreSQL) == (self.type == 'PostgreSQL')",messageExpression="'postgreSQL must be set when type is PostgreSQL, and only then; type is ' + self.type"
// +kubebuilder:validation:XValidation:rule="!has(self.embedded) || self.type == 'Embedded'",messageExpression="'embedded must be unset when type is ' + self.type"
// +kubebuilder:validation:XValidation:rule="self.type == oldSelf.type",messageExpression="'type cannot change from ' + oldSelf.type + ' to ' + self.type + ': the books do not move by themselves'"
type RegionLedger struct {
	// type is Embedded or PostgreSQL. It cannot be changed.
	// +required
	Type RegionLedgerType `json:"type,omitempty"`

	// embedded is the volume of the embedded ledger. Unset, 1Gi of the default storage class.
	// +optional
	Embedded EmbeddedLedger `json:"embedded,omitempty,omitzero"`

	// postgreSQL is the database.
	// +optional
	PostgreSQL PostgreSQLLedger `json:"postgreSQL,omitempty,omitzero"`

	// checkpoints are signed by the settlers while the books grow, so that an auditor has a chain of them. Unset, only who runs
	// "qiantang ledger checkpoint" signs any.
	// +optional
	Checkpoints LedgerCheckpoints `json:"checkpoints,omitempty,omitzero"`
}

// LedgerCheckpoints says how checkpoints of a region's books are signed.
type LedgerCheckpoints struct {
	// keySecretRef is a Secret whose key (unset: "key") holds the secret key that "qiantang ledger keygen" made.
	// +required
	KeySecretRef SecretKeyReference `json:"keySecretRef,omitempty,omitzero"`

	// interval between two checkpoints, 1m to 24h; where nothing was booked, none is signed. Unset, 1h.
	// +optional
	Interval Duration `json:"interval,omitempty"`
}

// EmbeddedLedger is a volume for SQLite.
// +kubebuilder:validation:MinProperties=1
type EmbeddedLedger struct {
	// size of the volume. Unset, 1Gi.
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`

	// storageClassName of the volume. Unset, the cluster's default.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	StorageClassName string `json:"storageClassName,omitempty"`
}

// PostgreSQLLedger is a database.
type PostgreSQLLedger struct {
	// dsnSecretRef is a Secret whose key (unset: "dsn") holds the connection string. It never leaves Secrets.
	// +required
	DSNSecretRef SecretKeyReference `json:"dsnSecretRef,omitempty,omitzero"`

	// migrationDSNSecretRef is a Secret whose key (unset: "dsn") holds the connection string of the role that owns the schema. Migrations run
	// with it, and grant the role of dsnSecretRef what workers need: to insert and select the journal, never to update or delete it. It
	// reaches the migration's Job only, never a worker. Unset, the role of dsnSecretRef migrates, and so owns the schema.
	// +optional
	MigrationDSNSecretRef SecretKeyReference `json:"migrationDSNSecretRef,omitempty,omitzero"`
}

// RegionWorkers are the pools of a region.
// +kubebuilder:validation:MinProperties=1
type RegionWorkers struct {
	// router takes, routes and books payments. With an embedded ledger it sizes the one pod.
	// +optional
	Router WorkerPool `json:"router,omitempty,omitzero"`

	// settler closes windows, nets and instructs. Only with a PostgreSQL ledger.
	// +optional
	Settler WorkerPool `json:"settler,omitempty,omitzero"`
}

// WorkerPool is a number of equal pods.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.replicas) || !has(self.autoscaling)",message="replicas and autoscaling exclude each other",fieldPath=".replicas"
type WorkerPool struct {
	// replicas wanted. Unset, 2 on PostgreSQL, 1 on an embedded ledger.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Replicas int32 `json:"replicas,omitempty"`

	// autoscaling lets a HorizontalPodAutoscaler choose the number.
	// +optional
	Autoscaling WorkerAutoscaling `json:"autoscaling,omitempty,omitzero"`

	// resources of each pod. Unset, requests of 100m and 128Mi and a memory limit of 512Mi.
	// +optional
	Resources WorkerResources `json:"resources,omitempty,omitzero"`
}

// WorkerAutoscaling bounds a pool that grows with its CPU use.
// +kubebuilder:validation:XValidation:rule="self.minReplicas <= self.maxReplicas",message="minReplicas is more than maxReplicas",fieldPath=".minReplicas"
type WorkerAutoscaling struct {
	// minReplicas is the least.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// maxReplicas is the most.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxReplicas int32 `json:"maxReplicas,omitempty"`

	// targetCPUPercent of the requested CPU that is aimed at. Unset, 70.
	// +optional
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=100
	TargetCPUPercent int32 `json:"targetCPUPercent,omitempty"`
}

// WorkerResources are a pod's requests and limits.
// +kubebuilder:validation:MinProperties=1
type WorkerResources struct {
	// requests of a pod.
	// +optional
	Requests ResourceAmounts `json:"requests,omitempty,omitzero"`

	// limits of a pod.
	// +optional
	Limits ResourceAmounts `json:"limits,omitempty,omitzero"`
}

// ResourceAmounts are CPU and memory.
// +kubebuilder:validation:MinProperties=1
type ResourceAmounts struct {
	// cpu is a number of cores, such as 500m.
	// +optional
	CPU *resource.Quantity `json:"cpu,omitempty"`

	// memory is a number of bytes, such as 256Mi.
	// +optional
	Memory *resource.Quantity `json:"memory,omitempty"`
}

// RegionServiceType is the type of the routers' Service.
// +kubebuilder:validation:Enum=ClusterIP;NodePort
type RegionServiceType string

// The types of Service that a region can have.
const (
	// RegionServiceClusterIP is reachable within the cluster.
	RegionServiceClusterIP RegionServiceType = "ClusterIP"
	// RegionServiceNodePort is also reachable on every node.
	RegionServiceNodePort RegionServiceType = "NodePort"
)

// RegionService is how the routers are reached.
// +kubebuilder:validation:XValidation:rule="!has(self.nodePort) || self.type == 'NodePort'",messageExpression="'nodePort must be unset when type is ' + self.type",fieldPath=".nodePort"
type RegionService struct {
	// type is ClusterIP or NodePort.
	// +required
	Type RegionServiceType `json:"type,omitempty"`

	// nodePort wanted. Unset with type NodePort, the cluster chooses.
	// +optional
	// +kubebuilder:validation:Minimum=30000
	// +kubebuilder:validation:Maximum=32767
	NodePort int32 `json:"nodePort,omitempty"`
}

// RegionStatus is what the operator last saw of a region.
// +kubebuilder:validation:MinProperties=1
type RegionStatus struct {
	// conditions are Accepted, ResolvedRefs, Reachable, Programmed, Ready.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// effective is what applies where the spec leaves a choice open.
	// +optional
	Effective RegionEffective `json:"effective,omitempty,omitzero"`

	// revision of the configuration last delivered to the region: the content hash of its plan.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Revision string `json:"revision,omitempty"`

	// workerSummary is "serving/wanted": how many workers serve the delivered revision, of how many there should be.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	WorkerSummary string `json:"workerSummary,omitempty"`

	// workers as last heard. Written when something about them changes, not with each heartbeat.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=200
	Workers []RegionWorkerStatus `json:"workers,omitempty"`

	// lastHeardTime is when the region's cluster was last heard; only set while it cannot be reached.
	// +optional
	LastHeardTime metav1.Time `json:"lastHeardTime,omitempty,omitzero"`
}

// RegionEffective is what applies after defaults.
// +kubebuilder:validation:MinProperties=1
type RegionEffective struct {
	// namespace in which the workers run.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// image of the workers.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	// routerReplicas wanted, the least where autoscaled.
	// +optional
	RouterReplicas *int32 `json:"routerReplicas,omitempty"`

	// settlerReplicas wanted; unset on an embedded ledger.
	// +optional
	SettlerReplicas *int32 `json:"settlerReplicas,omitempty"`

	// corridors is how many corridors the region's plan holds.
	// +optional
	Corridors *int32 `json:"corridors,omitempty"`
}

// WorkerState says what a worker does with the delivered revision.
// +kubebuilder:validation:Enum=Serving;Switching;Refused;Lost
type WorkerState string

// The states of a worker.
const (
	// WorkerServing serves the delivered revision.
	WorkerServing WorkerState = "Serving"
	// WorkerSwitching serves an older one, or none yet.
	WorkerSwitching WorkerState = "Switching"
	// WorkerRefused could not take the delivered revision; message says why.
	WorkerRefused WorkerState = "Refused"
	// WorkerLost has not been heard for longer than its lease.
	WorkerLost WorkerState = "Lost"
)

// RegionWorkerStatus is one worker as last heard.
type RegionWorkerStatus struct {
	// name of the worker: its pod.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// roles are router and settler.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32
	Roles []string `json:"roles,omitempty"`

	// state of the worker.
	// +required
	State WorkerState `json:"state,omitempty"`

	// revision that it serves.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Revision string `json:"revision,omitempty"`

	// message explains Refused and Lost.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// lastHeardTime is when a lost worker was last heard; unset while it is heard.
	// +optional
	LastHeardTime metav1.Time `json:"lastHeardTime,omitempty,omitzero"`
}

// RegionList is a list of Region.
// +kubebuilder:object:root=true
type RegionList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items of the list.
	Items []Region `json:"items"`
}
