package compile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/calendar"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// reference says whether a reference may be used, and finds fault where not. ok is whether what it names is valid itself.
func (f *findings) reference(field, kind, name string, exists, ok bool) bool {
	switch {
	case !exists:
		f.unresolved(v1alpha1.ReasonRefNotFound, field, name, "no %s of this name", kind)
	case !ok:
		f.unresolved(v1alpha1.ReasonRefNotAccepted, field, name, "the %s of this name is not valid itself", kind)
	}
	return exists && ok
}

// secretKeys checks that a Secret exists and has the keys.
func (s *Snapshot) secretKeys(f *findings, field, name string, keys ...string) {
	if s.Secrets == nil {
		return
	}
	have, ok := s.Secrets[name]
	if ok && have == nil {
		return
	}
	if !ok {
		f.unresolved(v1alpha1.ReasonSecretNotFound, field, name, "no Secret of this name")
		return
	}
	var missing []string
	for _, k := range keys {
		if !slices.Contains(have, k) {
			missing = append(missing, k)
		}
	}
	if len(missing) > 0 {
		f.unresolved(v1alpha1.ReasonSecretKeyMissing, field, name, "the Secret has no key %s", strings.Join(missing, ", "))
	}
}

func compileRail(c *calendars, r *v1alpha1.PaymentRail) (plan.Rail, findings) {
	var f findings
	spec := &r.Spec
	out := plan.Rail{
		Name: r.Name, System: string(spec.System), Country: string(spec.Country), Currency: string(spec.Currency),
		Finality: string(spec.Finality), MessageFormat: string(spec.MessageFormat),
		MinAmount: string(spec.Limits.Min), MaxAmount: string(spec.Limits.Max),
		Expected: f.duration("spec.expectedDuration", spec.ExpectedDuration, 0, 0, 30*24*time.Hour),
		Zone:     "UTC",
	}
	f.country("spec.country", spec.Country)
	if ccy, ok := f.currency("spec.currency", spec.Currency); ok {
		f.limits("spec.limits", spec.Limits, ccy)
	}
	hours := &spec.OperatingHours
	if len(hours.Openings) == 0 {
		return out, f
	}
	out.Zone = string(hours.TimeZone)
	d := c.forHours(&f, "spec.operatingHours", hours.BuiltInCalendars, hours.CalendarRefs)
	out.Closed, out.Extra = d.closed, d.extra
	openings := make([]calendar.Opening, len(hours.Openings))
	for i, o := range hours.Openings {
		openings[i] = calendar.Opening{Days: texts(o.Days), Open: string(o.Open), Close: string(o.Close)}
		out.Hours = append(out.Hours, plan.Opening(openings[i]))
	}
	if _, err := calendar.ParseZone(out.Zone); err != nil {
		f.invalid(v1alpha1.ReasonInvalidTimeZone, "spec.operatingHours.timeZone", out.Zone, "no time zone of the IANA database")
	} else if _, err := calendar.ParseHours(out.Zone, openings, nil, nil); err != nil {
		f.invalid(v1alpha1.ReasonInvalidValue, "spec.operatingHours.openings", "", "%s", err)
	}
	return out, f
}

func compileParticipant(p *v1alpha1.Participant) (plan.Participant, findings) {
	var f findings
	spec := &p.Spec
	out := plan.Participant{Name: p.Name, BIC: spec.BIC, LEI: spec.LEI, LegalName: spec.LegalName, Country: string(spec.Country)}
	if spec.BIC != "" {
		if !validBIC(spec.BIC) {
			f.invalid(v1alpha1.ReasonInvalidIdentifier, "spec.bic", spec.BIC, "no ISO 9362 BIC: want 8 or 11 characters, with a country as the fifth and sixth")
		} else {
			out.Country = or(out.Country, spec.BIC[4:6])
		}
	}
	if spec.LEI != "" && !validLEI(spec.LEI) {
		f.invalid(v1alpha1.ReasonInvalidIdentifier, "spec.lei", spec.LEI, "no ISO 17442 LEI: its check digits are wrong")
	}
	if spec.Country != "" {
		f.country("spec.country", spec.Country)
	}
	for i, a := range spec.Accounts {
		field := fmt.Sprintf("spec.accounts[%d]", i)
		if ccy, ok := f.currency(field+".currency", a.Currency); ok {
			f.amount(field+".netDebitCap", a.NetDebitCap, ccy, true)
		}
		if a.IBAN != "" && !validIBAN(a.IBAN) {
			f.invalid(v1alpha1.ReasonInvalidIdentifier, field+".iban", a.IBAN, "no ISO 13616 IBAN: its check digits are wrong")
		}
		out.Accounts = append(out.Accounts, plan.ParticipantAccount{
			Currency: string(a.Currency), IBAN: a.IBAN, Other: a.Other, NetDebitCap: string(a.NetDebitCap),
		})
	}
	slices.SortFunc(out.Accounts, func(a, b plan.ParticipantAccount) int { return strings.Compare(a.Currency, b.Currency) })
	return out, f
}

func compileSchedule(c *calendars, s *v1alpha1.SettlementSchedule) (plan.Schedule, findings) {
	var f findings
	spec := &s.Spec
	out := plan.Schedule{
		Name: s.Name, Zone: string(spec.TimeZone), CutOffs: texts(spec.CutOffs),
		HolidayRule: string(or(spec.HolidayRule, defaultHolidayRule)), ValueDateLag: deref(spec.ValueDateLagDays, 0),
		Model: string(spec.Model), Timing: string(or(spec.Timing, defaultTiming)),
		MessageFormat: string(or(spec.MessageFormat, defaultSettlementFormat)),
		Delivery:      plan.Delivery{Directory: spec.Delivery.Directory, Endpoint: spec.Delivery.Endpoint},
		Paused:        spec.State == v1alpha1.SchedulePaused,
	}
	d := c.forDays(&f, "spec", spec.BuiltInCalendars, spec.CalendarRefs)
	out.WorkingDays, out.Closed, out.Extra = d.week, d.closed, d.extra
	if _, err := calendar.ParseZone(out.Zone); err != nil {
		f.invalid(v1alpha1.ReasonInvalidTimeZone, "spec.timeZone", out.Zone, "no time zone of the IANA database")
		return out, f
	}
	for i, line := range out.CutOffs {
		if _, err := calendar.ParseCutOff(line, out.Zone); err != nil {
			f.invalid(v1alpha1.ReasonInvalidCutOff, fmt.Sprintf("spec.cutOffs[%d]", i), line, "%s", cutOffFault(err))
		}
	}
	return out, f
}

// cutOffFault is the error without the line, which the finding already names.
func cutOffFault(err error) string {
	s := err.Error()
	if _, rest, ok := strings.Cut(s, `": `); ok && strings.HasPrefix(s, "cut-off ") {
		return rest
	}
	return s
}

// credentialKeys are what each adapter cannot do without.
var credentialKeys = map[v1alpha1.FXAdapter][]string{
	v1alpha1.AdapterPingPong: {"clientId", "appId", "token", "signingKey"},
	v1alpha1.AdapterLianLian: {"developerId", "masterToken", "privateKey"},
	v1alpha1.AdapterAntom:    {"clientId", "privateKey", "antomPublicKey"},
}

func (c *compilation) compileProvider(p *v1alpha1.FXProvider) (plan.Provider, findings) {
	var f findings
	spec := &p.Spec
	role := spec.Role
	if role == "" {
		role = v1alpha1.ProviderRouted
		if spec.Adapter == v1alpha1.AdapterECB {
			role = v1alpha1.ProviderReference
		}
	}
	rate := spec.RateLimit.RequestsPerSecond
	out := plan.Provider{
		Name: p.Name, Adapter: string(spec.Adapter), Endpoint: spec.Endpoint, Credentials: spec.CredentialsSecretRef.Name,
		Participant: string(spec.ParticipantRef.Name), Reference: role == v1alpha1.ProviderReference,
		QuoteTimeout:   f.duration("spec.timeouts.quote", spec.Timeouts.Quote, defaultQuoteTimeout, time.Millisecond, 30*time.Second),
		ExecuteTimeout: f.duration("spec.timeouts.execute", spec.Timeouts.Execute, defaultExecuteTimeout, time.Millisecond, 2*time.Minute),
		HedgeAfter:     f.duration("spec.hedging.after", spec.Hedging.After, 0, time.Millisecond, 30*time.Second),
		RateLimit:      rate, Burst: or(spec.RateLimit.Burst, rate),
		MaxConcurrent:   or(spec.MaxConcurrentRequests, defaultMaxConcurrent),
		BreakerFailures: or(spec.CircuitBreaker.ConsecutiveFailures, defaultBreakerFailures),
		BreakerOpen: f.duration("spec.circuitBreaker.openFor", spec.CircuitBreaker.OpenFor, defaultBreakerOpen,
			100*time.Millisecond, 10*time.Minute),
	}
	if len(spec.Parameters) > 0 {
		out.Parameters = make(map[string]string, len(spec.Parameters))
		for k, v := range spec.Parameters {
			out.Parameters[k] = string(v)
		}
	}
	for i, pair := range spec.Pairs {
		field := fmt.Sprintf("spec.pairs[%d]", i)
		f.currency(field+".sell", pair.Sell)
		f.currency(field+".buy", pair.Buy)
		out.Pairs = append(out.Pairs, plan.Pair{Sell: string(pair.Sell), Buy: string(pair.Buy)})
	}
	slices.SortFunc(out.Pairs, func(a, b plan.Pair) int { return strings.Compare(a.Sell+a.Buy, b.Sell+b.Buy) })
	if name := string(spec.ParticipantRef.Name); name != "" {
		_, exists := c.participants.verdict[name]
		f.reference("spec.participantRef.name", KindParticipant, name, exists, c.participants.valid(name))
	}
	need := credentialKeys[spec.Adapter]
	if name := spec.CredentialsSecretRef.Name; name != "" {
		c.secretKeys(&f, "spec.credentialsSecretRef.name", name, need...)
	} else if len(need) > 0 {
		f.invalid(v1alpha1.ReasonInvalidValue, "spec.credentialsSecretRef", "", "must name a Secret with the keys %s for adapter %s",
			strings.Join(need, ", "), spec.Adapter)
	}
	return out, f
}

// takes says whether a provider exchanges the pair.
func takes(p *plan.Provider, sell, buy money.Currency) bool {
	return slices.Contains(p.Pairs, plan.Pair{Sell: string(sell), Buy: string(buy)})
}
