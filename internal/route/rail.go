package route

import (
	"fmt"
	"sync/atomic"
	"time"

	"qiantang.dev/rails/internal/calendar"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route/rules"
)

// rail is a PaymentRail made ready; all corridors of a Table share it.
type rail struct {
	plan.Rail
	currency  money.Currency
	hours     *calendar.Hours
	low, high int64 // in minor units; high is negative where there is none
	immediate bool
	facts     rules.Rail
	// known remembers the last answer of hours, which holds for a while: asking again is cheap then, and gives the same.
	known atomic.Pointer[opening]
}

// opening says whether a rail is open between two moments, in Unix nanoseconds.
type opening struct {
	from, until int64
	open        bool
	detail      string // why it is not
}

func compileRail(p plan.Rail) (*rail, error) {
	r := &rail{Rail: p, high: -1, immediate: p.Finality == "Immediate"}
	r.facts = rules.Rail{
		Name: p.Name, System: p.System, Country: p.Country, Currency: p.Currency, Finality: p.Finality, Expected: p.Expected.D(),
	}
	var err error
	if r.currency, err = money.ParseCurrency(p.Currency); err != nil {
		return nil, fmt.Errorf("rail %s: %w", p.Name, err)
	}
	openings := make([]calendar.Opening, len(p.Hours))
	for i, o := range p.Hours {
		openings[i] = calendar.Opening(o)
	}
	if r.hours, err = calendar.ParseHours(p.Zone, openings, p.Closed, p.Extra); err != nil {
		return nil, fmt.Errorf("rail %s: %w", p.Name, err)
	}
	low, err := amountOrZero(p.MinAmount, r.currency)
	if err != nil {
		return nil, fmt.Errorf("rail %s: minAmount: %w", p.Name, err)
	}
	r.low = low.Minor()
	if p.MaxAmount != "" {
		high, err := money.ParseAmount(p.MaxAmount, r.currency)
		if err != nil {
			return nil, fmt.Errorf("rail %s: maxAmount: %w", p.Name, err)
		}
		if r.high = high.Minor(); r.high < r.low {
			return nil, fmt.Errorf("rail %s: maxAmount %s is below minAmount %s", p.Name, p.MaxAmount, p.MinAmount)
		}
	}
	return r, nil
}

// state is whether the rail is open, and where not, the detail for people.
func (r *rail) state(now time.Time) (open bool, detail string) {
	at := now.UnixNano()
	if k := r.known.Load(); k != nil && k.from <= at && at < k.until {
		return k.open, k.detail
	}
	open, until := r.hours.State(now)
	k := &opening{from: at, open: open}
	if until.IsZero() {
		// Nothing changes for more than a year; asking once an hour is enough to stay true.
		k.until = now.Add(time.Hour).UnixNano()
	} else {
		k.until = until.UnixNano()
	}
	if !open {
		k.detail = closedDetail(until)
	}
	r.known.Store(k)
	return open, k.detail
}

// limit says why an amount does not fit the rail; an empty code means that it does.
func (r *rail) limit(minor int64) string {
	switch {
	case minor < r.low:
		return SkipRailMinimum
	case r.high >= 0 && minor > r.high:
		return SkipRailMaximum
	default:
		return ""
	}
}

func (r *rail) limitDetail(code string, received money.Amount) string {
	if code == SkipRailMinimum {
		return fmt.Sprintf("%s is below the rail's minimum of %s %s", received, r.MinAmount, r.Currency)
	}
	return fmt.Sprintf("%s is above the rail's maximum of %s %s", received, r.MaxAmount, r.Currency)
}

func closedDetail(opens time.Time) string {
	if opens.IsZero() {
		return "closed, and does not open within a year"
	}
	return "closed, opens " + opens.Format("Mon 2006-01-02 15:04 MST")
}
