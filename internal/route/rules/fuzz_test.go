package rules

import "testing"

// FuzzCheck looks for an expression that panics, or is admitted and then does not compile or evaluate.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		"payment.amount > 5", "now.hour('UTC') in [1]", "has(payment.metadata.a) ? true : payment.metadata['b'] == ''", "decimal('1') < 2",
		"payment.metadata.exists(k, k == 'x')", "quote.rate == decimal('7.1') || !quote.guaranteed", "'", "payment.payment", "a.b.c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if Check(s) != nil {
			return
		}
		p, err := Compile(s)
		if err != nil {
			t.Fatalf("%q is admitted and does not compile: %v", s, err)
		}
		p.Eval(&Input{})
	})
}
