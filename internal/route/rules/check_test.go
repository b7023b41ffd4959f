package rules

import (
	"strings"
	"testing"
)

func TestCheckAdmits(t *testing.T) {
	for _, expr := range []string{
		"true",
		"payment.amount > 50000",
		"payment.amount >= decimal('1250.50') && payment.purpose == 'GDDS'",
		"payment.purpose in ['GDDS', 'SUPP']",
		"now.hour('Asia/Shanghai') >= 9 && now.hour('Asia/Shanghai') < 17",
		"now.dayOfWeek('Asia/Shanghai') in ['Sat', 'Sun']",
		"now.date('Asia/Shanghai') == '2026-11-11'",
		"!now.isBusinessDay('CN', 'Asia/Shanghai')",
		"payment.beneficiary.country == 'CN' && payment.debtor.country != 'US'",
		"has(payment.metadata.tier) && payment.metadata.tier == 'gold'",
		"payment.metadata['tier'].startsWith('go')",
		"payment.metadata.exists(k, k.startsWith('x-'))",
		"quote.spreadBps > 40 || quote.rate < decimal('6.9') || !quote.guaranteed",
		"provider.name == 'pingpong' ? rail.system == 'CIPS' : rail.finality == 'Immediate'",
		"rail.expected < duration('5m') && now > timestamp('2026-01-01T00:00:00Z')",
		"provider.successBps < 9000",
		"payment.id.matches('^[a-f0-9]+$')",
	} {
		if err := Check(expr); err != nil {
			t.Errorf("Check(%q): %v", expr, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, tc := range []struct{ expr, say string }{
		{"", "0 characters"}, {strings.Repeat("x", 3000), "3000 characters"},
		{"payment.amount >", "Syntax error"}, {"payment.amonut > 1", "undeclared reference to 'payment'"},
		{"payment.amount", "of type decimal"}, {"payment.amount > 1.5", "no matching overload"}, {"1", "want bool"},
		{"1000 < payment.amount", "no matching overload"}, {"payment.amount == 1000", "no matching overload"},
		{"payment.amount > decimal('1e3')", "want digits"}, {"payment.amount > decimal('1.2.3')", "at most one point"},
		{"payment.amount > decimal('1234567890123456789')", "at most 18 digits"},
		{"payment.amount > decimal(payment.purpose)", "written out"},
		{"now.hour('Asia/Hangzhou') > 9", "Asia/Hangzhou"}, {"now.hour(payment.purpose) > 9", "written out"},
		{"now.hour() > 9", "no matching overload"}, {"now.dayOfWeek('UTC') == 6", "no matching overload"},
		{"now.isBusinessDay('Atlantis', 'UTC')", "Atlantis"}, {"payment.purpose in ['A', 1]", "type"},
		{"rail.expected < duration('5 minutes')", "duration"}, {"payment.id.matches('(')", "matches"},
		{"payment.metadata.all(a, payment.metadata.all(b, payment.metadata.all(c, a.matches('x.*y') || b == c)))", "may cost"},
		{strings.Repeat("!", 100) + "true", ""}, {"unknown.thing == 1", "undeclared reference"},
		{strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200), ""},
	} {
		err := Check(tc.expr)
		if tc.say == "" {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tc.say) {
			t.Errorf("Check(%.60q) = %v; want an error with %q", tc.expr, err, tc.say)
		}
	}
}

func TestCheckActionKeepsDenyToThePayment(t *testing.T) {
	for _, tc := range []struct {
		action, expr string
		ok           bool
	}{
		{Deny, "payment.amount > 1 && now.hour('UTC') > 2", true}, {Deny, "provider.name == 'x'", false},
		{Deny, "quote.spreadBps > 1 || true", false}, {Deny, "rail.system == 'CIPS'", false},
		{Exclude, "rail.system == 'CIPS'", true}, {Prefer, "quote.spreadBps < 5", true}, {"Drop", "true", false}, {Prefer, "1", false},
	} {
		if err := CheckAction(tc.action, tc.expr); (err == nil) != tc.ok {
			t.Errorf("%s %s: %v", tc.action, tc.expr, err)
		}
	}
}
