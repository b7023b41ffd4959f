package delivery

// Labels and annotations in a region's namespace.
const (
	// LabelRegion and LabelInstitution say whose an object is.
	LabelRegion      = "rails.qiantang.dev/region"
	LabelInstitution = "rails.qiantang.dev/institution"
	// LabelPart says what an object is for: one of the Part constants.
	LabelPart = "rails.qiantang.dev/part"
	// LabelRun names the settlement run that a ConfigMap is about.
	LabelRun = "rails.qiantang.dev/run"
	// LabelWorker marks the Leases of workers with "true".
	LabelWorker = "rails.qiantang.dev/worker"
	// LabelManagedBy with ManagedBy marks what the operator applied, and may remove again.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	ManagedBy      = "qiantang"

	// AnnotationAck on a Lease holds plan.Ack as JSON.
	AnnotationAck = "rails.qiantang.dev/ack"
	// AnnotationReported on a Lease is the completion time (RFC 3339) up to which the worker has reported all final runs, so
	// that a restart does not bring back reports that were removed since.
	AnnotationReported = "rails.qiantang.dev/reported"
)

// The values of LabelPart.
const (
	PartIndex       = "plan-index"
	PartShard       = "plan-shard"
	PartCredentials = "credentials"
	PartRun         = "run"
	PartWorkload    = "workload"
	PartAccess      = "access"
)

// Keys of the objects' data.
const (
	// KeyRevision and KeyShards are in the index.
	KeyRevision = "revision"
	KeyShards   = "shards"
	// KeyShard, of a shard's binaryData, is the gzipped JSON.
	KeyShard = "plan.json.gz"
	// KeyRequest and KeyReport are in a run's ConfigMap.
	KeyRequest = "request"
	KeyReport  = "report"
	// KeyDSN is the key of the ledger's Secret that holds the PostgreSQL DSN.
	KeyDSN = "dsn"
)

// IndexName is the name of the ConfigMap with the index of a region's plan.
func IndexName(region string) string { return "qiantang-" + region + "-plan" }

// ShardName is the name of the ConfigMap with the shard called id.
func ShardName(region, id string) string { return IndexName(region) + "-" + id }

// CredentialsName is the name of the Secret with a region's provider credentials.
func CredentialsName(region string) string { return "qiantang-" + region + "-credentials" }

// RunName is the name of the ConfigMap about a settlement run.
func RunName(run string) string { return "qiantang-run-" + run }

// LeaseName is the name of a worker's Lease.
func LeaseName(pod string) string { return "qiantang-" + pod }
