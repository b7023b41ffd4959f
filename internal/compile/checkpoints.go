package compile

import (
	"time"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/plan"
)

// The bounds of the interval between checkpoints: each is read by every audit, and what was booked since the last one is not proven yet.
const (
	defaultCheckpointKey = "key"
	defaultCheckpoints   = time.Hour
	minCheckpoints       = time.Minute
	maxCheckpoints       = 24 * time.Hour
)

// checkpoints are those that a region's settlers sign, nil for none, and what that needs of a Secret.
func (f *findings) checkpoints(l *v1alpha1.RegionLedger) (*plan.Checkpoints, []material) {
	ref := l.Checkpoints.KeySecretRef
	if ref.Name == "" {
		return nil, nil
	}
	every := f.duration("spec.ledger.checkpoints.interval", l.Checkpoints.Interval, defaultCheckpoints, minCheckpoints, maxCheckpoints)
	return &plan.Checkpoints{Every: every}, []material{{
		plan.Material{In: plan.LedgerMaterial, As: plan.MaterialCheckpointKey, Secret: plan.SecretKey{Name: ref.Name, Key: or(ref.Key, defaultCheckpointKey)}},
		"spec.ledger.checkpoints.keySecretRef.name",
	}}
}
