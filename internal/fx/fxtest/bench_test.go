package fxtest

import (
	"testing"

	"qiantang.dev/rails/internal/fx"
)

// BenchmarkPayment is a cached quote, a lock and a payout over loopback, simulator included.
func BenchmarkPayment(b *testing.B) {
	for _, adapter := range []string{"OpenFX", "PingPong", "LianLian", "Antom"} {
		b.Run(adapter, func(b *testing.B) {
			p := Start(b, adapter, nil)
			g := fx.Guard(p.Provider, p.Spec.Name, fx.LimitsOf(p.Spec), nil, nil)
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					q, err := g.Quote(b.Context(), Ask())
					if err == nil {
						q, err = g.Lock(b.Context(), q)
					}
					if err != nil {
						b.Error(err)
						return
					}
					if _, err := g.Pay(b.Context(), Instruct(q)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkCachedQuote is a quote at a rate that is still firm.
func BenchmarkCachedQuote(b *testing.B) {
	p := Start(b, "OpenFX", nil)
	g := fx.Guard(p.Provider, p.Spec.Name, fx.LimitsOf(p.Spec), nil, nil)
	ask := Ask()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Quote(b.Context(), ask); err != nil {
			b.Fatal(err)
		}
	}
}
