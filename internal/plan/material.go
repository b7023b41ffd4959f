package plan

// Material is one key of a Secret of the institution's namespace that a region's workers need beside whole Secrets of credentials. It
// reaches them with the credentials, as key As of the entry In.
type Material struct {
	In     string    `json:"in"`
	As     string    `json:"as"`
	Secret SecretKey `json:"secret"`
}

// APIMaterial is the entry of the credentials that holds what the API is served with. No Secret has such a name.
const APIMaterial = ".api"

// The keys of APIMaterial.
const (
	MaterialCertificate = "tls.crt"
	MaterialKey         = "tls.key"
)

// LedgerMaterial is the entry that holds what is needed for the books, MaterialCheckpointKey its key with what checkpoints are signed with.
const (
	LedgerMaterial        = ".ledger"
	MaterialCheckpointKey = "checkpoint-key"
)

// MaterialAuthorities is the key of APIMaterial with the authorities of a method of authentication.
func MaterialAuthorities(method string) string { return "ca." + method }
