package rules

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/money"
)

// grammar draws well-typed expressions, of shapes that the closures know and of shapes that they leave to cel-go.
type grammar struct{ t *rapid.T }

func (g grammar) of(list ...string) string { return rapid.SampledFrom(list).Draw(g.t, "of") }

func (g grammar) str() string {
	return g.of("payment.purpose", "payment.id", "payment.currency", "payment.beneficiary.country", "provider.name", "rail.system",
		"'GDDS'", "'CN'", "''", "payment.metadata.tier", "payment.metadata['tier']", "payment.metadata[payment.purpose]",
		"now.dayOfWeek('Asia/Shanghai')", "now.date('America/New_York')", "'a' + payment.purpose", "payment.purpose.replace", "rail.finality")
}

func (g grammar) text() string {
	if s := g.str(); s != "payment.purpose.replace" {
		return s
	}
	return "(payment.purpose == 'GDDS' ? 'x' : payment.metadata.y)"
}

func (g grammar) num() string {
	return g.of("quote.spreadBps", "provider.successBps", "now.hour('Asia/Shanghai')", "now.minute('UTC')", "now.month('Europe/Berlin')",
		"now.dayOfMonth('UTC')", "now.year('UTC')", "0", "25", "9000", "-1", "9223372036854775807", "quote.spreadBps + 9223372036854775807",
		"size(payment.purpose)", "10 / quote.spreadBps", "now.getHours('Asia/Shanghai')")
}

func (g grammar) dec() string {
	return g.of("payment.amount", "quote.rate", "quote.received", "quote.fee", "decimal('100.00')", "decimal('100')", "decimal('6.9')", "decimal('-1')")
}

func (g grammar) bool(depth int) string {
	order := func() string { return g.of(" < ", " <= ", " > ", " >= ", " == ", " != ") }
	if depth > 0 {
		switch rapid.IntRange(0, 6).Draw(g.t, "deep") {
		case 0, 1:
			return "(" + g.bool(depth-1) + " && " + g.bool(depth-1) + ")"
		case 2:
			return "(" + g.bool(depth-1) + " || " + g.bool(depth-1) + ")"
		case 3:
			return "!(" + g.bool(depth-1) + ")"
		case 4:
			return "(" + g.bool(depth-1) + " ? " + g.bool(depth-1) + " : " + g.bool(depth-1) + ")"
		case 5:
			return "((" + g.bool(depth-1) + ")" + g.of(" == ", " != ") + "(" + g.bool(depth-1) + "))"
		}
	}
	switch rapid.IntRange(0, 12).Draw(g.t, "leaf") {
	case 0:
		return g.text() + order() + g.text()
	case 1:
		return g.num() + order() + g.num()
	case 2:
		return g.dec() + order() + g.dec()
	case 3:
		return g.dec() + g.of(" < ", " <= ", " > ", " >= ") + g.of("100", "0", "-5", "9223372036854775807")
	case 4:
		return g.text() + " in ['GDDS', 'CN', 'Mon']"
	case 5:
		return g.num() + " in [0, 25, 3]"
	case 6:
		return g.text() + " in payment.metadata"
	case 7:
		return "has(payment.metadata." + g.of("tier", "none") + ")"
	case 8:
		return g.text() + g.of(".startsWith(", ".endsWith(", ".contains(") + g.text() + ")"
	case 9:
		return "now" + order() + "timestamp('2026-11-23T09:00:00Z')"
	case 10:
		return "rail.expected" + order() + "duration('90s')"
	case 11:
		return g.of("true", "false", "quote.guaranteed", "now.isBusinessDay('CN', 'Asia/Shanghai')", "payment.id.matches('^[a-f]+$')")
	default:
		return "payment.metadata.exists(k, k == " + g.text() + ")"
	}
}

func drawInput(t *rapid.T) *Input {
	pick := func(list ...string) string { return rapid.SampledFrom(list).Draw(t, "input") }
	rate, err := money.ParseRate(pick("6.9", "6.900", "7.1234", "0.000001", "149"))
	if err != nil {
		t.Fatal(err)
	}
	in := &Input{
		PaymentID: pick("abc", "p-1", ""), Purpose: pick("GDDS", "SUPP", "", "tier"),
		BeneficiaryCountry: pick("CN", "US"), Amount: money.FromMinor(rapid.SampledFrom([]int64{10000, 9999, 10001, 0}).Draw(t, "minor"), money.Currency(pick("USD", "JPY"))),
		Now:  time.Unix(rapid.SampledFrom([]int64{1795424400, 1795424399, 1790841600, 1760300000}).Draw(t, "now"), 0),
		Rate: rate, Received: rapid.Int64Range(0, 20000).Draw(t, "received"), Digits: 2,
		ProviderFee: money.FromMinor(100, "USD"), SpreadBps: rapid.SampledFrom([]int64{0, 25, -1, 9000}).Draw(t, "spread"),
		Guaranteed: rapid.Bool().Draw(t, "firm"), SuccessBps: 9000, Provider: &Provider{Name: pick("pingpong", "CN")},
		Rail: &Rail{System: pick("CIPS", "GDDS"), Finality: "Immediate", Expected: rapid.SampledFrom([]time.Duration{0, 90 * time.Second, time.Hour}).Draw(t, "expected")},
	}
	if rapid.Bool().Draw(t, "metadata") {
		in.Metadata = map[string]string{"tier": pick("gold", "GDDS"), "GDDS": "x"}
	}
	return in
}

func TestClosuresMeanWhatCelGoMeans(t *testing.T) {
	admitted := 0
	rapid.Check(t, func(t *rapid.T) {
		expr := grammar{t}.bool(3)
		checked, err := check(expr)
		if err != nil {
			t.Skip(err)
		}
		admitted++
		ours, err := compile(expr, checked, true)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := compile(expr, checked, false)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			in := drawInput(t)
			if got, want := ours.Eval(in), theirs.Eval(in); got != want {
				t.Fatalf("%s: %d, cel-go says %d, for %+v", expr, got, want, in)
			}
		}
	})
	if admitted == 0 {
		t.Error("no expression was admitted")
	}
}

func TestCommonShapesNeedNoCelGo(t *testing.T) {
	for _, expr := range []string{
		"payment.amount > 50000", "payment.amount >= decimal('1250.50') && payment.purpose in ['GDDS', 'SUPP']",
		"now.hour('Asia/Shanghai') >= 9 || now.dayOfWeek('UTC') == 'Sat'", "payment.metadata.tier == 'gold'",
		"has(payment.metadata.tier) && payment.metadata['tier'].startsWith('g')", "'tier' in payment.metadata",
		"!now.isBusinessDay('CN', 'Asia/Shanghai')", "rail.expected < duration('5m')", "now > timestamp('2026-01-01T00:00:00Z')",
		"quote.guaranteed == true", "quote.spreadBps in [1, 2]", "true ? provider.name.contains('x') : rail.name.endsWith('y')",
	} {
		checked, err := check(expr)
		if err != nil {
			t.Fatal(err)
		}
		b := &builder{ast: checked.NativeRep(), native: true}
		func() {
			defer func() {
				if recover() != nil {
					t.Errorf("%s falls back to cel-go", expr)
				}
			}()
			b.bool(b.ast.Expr())
		}()
	}
}

func TestPartsOfARule(t *testing.T) {
	p, err := Compile("payment.purpose == 'GDDS' && provider.name == 'a' && quote.spreadBps < 10 && (rail.name == 'r' || payment.id == 'p')")
	if err != nil {
		t.Fatal(err)
	}
	if p.Uses() != Payments|Providers|Quotes|Rails || !p.HasFixed() || p.LiveTest() == nil || !strings.Contains(p.String(), "GDDS") {
		t.Errorf("uses %b", p.Uses())
	}
	in := &Input{Purpose: "GDDS", Provider: &Provider{Name: "a"}, SpreadBps: 10, Rail: &Rail{Name: "r"}}
	if p.Gate(in) != Yes || p.Fixed(in) != Yes || p.Live(in) != No || p.Eval(in) != No {
		t.Errorf("gate %d, fixed %d, live %d", p.Gate(in), p.Fixed(in), p.Live(in))
	}
	if _, err := Compile("1"); err == nil {
		t.Error("compiled what is no rule")
	}
}

func TestAMissingKeyFailsOnlyWhereItCounts(t *testing.T) {
	for expr, want := range map[string]Verdict{
		"payment.metadata.none == 'x'":                               Failed,
		"payment.metadata.none == 'x' && payment.purpose == 'other'": No,
		"payment.metadata.none == 'x' || payment.purpose == ''":      Yes,
		"!(payment.metadata.none == 'x')":                            Failed,
		"payment.metadata.none == 'x' ? true : false":                Failed,
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Eval(&Input{}); got != want {
			t.Errorf("%s: %d, want %d", expr, got, want)
		}
	}
}

func TestDateIsAsFormatted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-63e9, 260e9).Draw(t, "at"), 0).UTC()
		if got, want := dateOf(at), at.Format(time.DateOnly); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

func BenchmarkRule(b *testing.B) {
	expr := "payment.amount > 50000 && payment.purpose in ['GDDS', 'SUPP'] && now.hour('Asia/Shanghai') >= 9"
	checked, err := check(expr)
	if err != nil {
		b.Fatal(err)
	}
	in := &Input{Amount: money.FromMinor(6000000, "USD"), Purpose: "GDDS", Now: time.Unix(1795424400, 0)}
	for name, native := range map[string]bool{"closures": true, "cel-go": false} {
		p, err := compile(expr, checked, native)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Eval(in)
			}
		})
	}
}
