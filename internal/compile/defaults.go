package compile

import (
	"fmt"
	"time"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/plan"
)

// Every default that a resource may leave to us. The API's documentation and config/samples say the same.
const (
	defaultStrategy = v1alpha1.StrategyBestAmount
	defaultQuoteTTL = 30 * time.Second

	defaultQuoteTimeout    = time.Second
	defaultExecuteTimeout  = 10 * time.Second
	defaultMaxConcurrent   = 64
	defaultBreakerFailures = 5
	defaultBreakerOpen     = 10 * time.Second

	defaultHolidayRule      = v1alpha1.HolidaySkip
	defaultTiming           = v1alpha1.TimingImmediate
	defaultSettlementFormat = "pacs.009.001.08"

	defaultReplicas      = 2
	defaultTargetCPU     = 70
	defaultVolume        = "1Gi"
	defaultCPURequest    = "100m"
	defaultMemoryRequest = "128Mi"
	defaultMemoryLimit   = "512Mi"
	defaultKubeconfigKey = "kubeconfig"
	defaultDSNKey        = "dsn"
	defaultServiceType   = v1alpha1.RegionServiceClusterIP
	maxNamespaceLength   = 63

	defaultUsernameClaim = "sub"
	defaultCAKey         = "ca.crt"
)

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

func deref[T any](p *T, fallback T) T {
	if p == nil {
		return fallback
	}
	return *p
}

// duration reads an API duration within bounds; unset, it is the fallback.
func (f *findings) duration(field string, d v1alpha1.Duration, fallback, least, most time.Duration) plan.Duration {
	if d == "" {
		return plan.Duration(fallback)
	}
	v, err := time.ParseDuration(string(d))
	if err != nil {
		f.invalid(v1alpha1.ReasonInvalidValue, field, string(d), "no duration such as 1m30s")
		return plan.Duration(fallback)
	}
	if v < least || v > most {
		f.invalid(v1alpha1.ReasonInvalidValue, field, string(d), "must be %s to %s", least, most)
	}
	return plan.Duration(v)
}

// apiDuration writes a duration as the API does: without Go's empty units ("2m", not "2m0s").
func apiDuration(d plan.Duration) v1alpha1.Duration {
	v := d.D()
	s := ""
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if n := v / u.unit; n > 0 {
			s += fmt.Sprintf("%d%s", n, u.name)
			v %= u.unit
		}
	}
	return v1alpha1.Duration(or(s, "0s"))
}
