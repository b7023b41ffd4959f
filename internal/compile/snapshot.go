package compile

import (
	"time"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/plan"
)

// Snapshot is all that Compile looks at: the resources of one namespace, and what regions were last given.
type Snapshot struct {
	// Institution is the namespace.
	Institution string

	Regions      []v1alpha1.Region
	Rails        []v1alpha1.PaymentRail
	Providers    []v1alpha1.FXProvider
	Corridors    []v1alpha1.PaymentCorridor
	Schedules    []v1alpha1.SettlementSchedule
	Participants []v1alpha1.Participant
	Calendars    []v1alpha1.BusinessCalendar

	// Secrets names the keys of each Secret that exists in the namespace. A nil list: it exists, its keys
	// are not known. A nil map: Secrets are not checked.
	Secrets map[string][]string

	// Last is the plan that each region was last given, as read back from it. A region that is missing here is not known:
	// what may be served there is assumed to be. A nil plan says that nothing was ever delivered.
	Last map[string]*plan.Region

	// Now sets the horizon of calendars: from the month before to thirteen months after. Within a month nothing changes.
	Now time.Time
}

// Result is a plan for each accepted region and a verdict on each resource.
type Result struct {
	Regions  map[string]RegionPlan
	Verdicts map[Ref]Verdict
}

// RegionPlan is what a region's workers serve and what they run on.
type RegionPlan struct {
	// Plan is sealed.
	Plan       *plan.Region
	Deployment plan.Deployment
}

// Ref names a resource in the snapshot's namespace.
type Ref struct{ Kind, Name string }

func (r Ref) String() string { return r.Kind + "/" + r.Name }

// The kinds, as in Ref.
const (
	KindRegion      = "Region"
	KindRail        = "PaymentRail"
	KindProvider    = "FXProvider"
	KindCorridor    = "PaymentCorridor"
	KindSchedule    = "SettlementSchedule"
	KindParticipant = "Participant"
	KindCalendar    = "BusinessCalendar"
	KindRun         = "SettlementRun"
)

// Kinds are those that have verdicts.
var Kinds = []string{KindRegion, KindRail, KindProvider, KindCorridor, KindSchedule, KindParticipant, KindCalendar}

// Verdict is what Compile says of a resource.
type Verdict struct {
	Accepted     Condition
	ResolvedRefs Condition
	// Findings are all that is wrong; the conditions sum them up. Empty where both conditions hold.
	Findings []Finding
	// Regions in whose plans the resource is, in whatever generation, sorted. With LastGood, all or some hold an older one.
	Regions []string
	// LastGood are the regions that go on with what they were last given of it, since this generation is not valid.
	LastGood []string
	// Draining are the regions that the corridor is leaving, and where it is not known to be drained.
	Draining  []string
	Effective Effective
}

// OK reports whether both conditions hold.
func (v Verdict) OK() bool { return v.Accepted.OK && v.ResolvedRefs.OK }

// Condition is half of a metav1.Condition: what compiling knows.
type Condition struct {
	OK              bool
	Reason, Message string
}

// Effective is what applies after defaults; set for the kinds that show it in their status, and only where they are valid.
type Effective struct {
	Region   *v1alpha1.RegionEffective             `json:"region,omitempty"`
	Provider *v1alpha1.FXProviderEffective         `json:"provider,omitempty"`
	Corridor *v1alpha1.CorridorEffective           `json:"corridor,omitempty"`
	Schedule *v1alpha1.SettlementScheduleEffective `json:"schedule,omitempty"`
}

// ReferredSecrets names the Secrets that the resources refer to.
func (s *Snapshot) ReferredSecrets() map[string]bool {
	names := map[string]bool{}
	for i := range s.Providers {
		names[s.Providers[i].Spec.CredentialsSecretRef.Name] = true
	}
	for i := range s.Regions {
		spec := &s.Regions[i].Spec
		names[spec.Cluster.KubeconfigSecretRef.Name] = true
		names[spec.Ledger.PostgreSQL.DSNSecretRef.Name] = true
		names[spec.Ledger.PostgreSQL.MigrationDSNSecretRef.Name] = true
		names[spec.Ledger.Checkpoints.KeySecretRef.Name] = true
		for j := range spec.Webhooks {
			names[spec.Webhooks[j].SecretRef.Name] = true
		}
		names[string(spec.API.TLS.SecretRef.Name)] = true
		for j := range spec.API.Authentication {
			names[spec.API.Authentication[j].OIDC.CASecretRef.Name] = true
			names[spec.API.Authentication[j].ClientCertificate.CASecretRef.Name] = true
		}
	}
	delete(names, "")
	return names
}
