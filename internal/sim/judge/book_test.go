package judge

import (
	"sync"
	"testing"
	"time"

	"qiantang.dev/rails/internal/money"
)

var now = time.Unix(1_800_000_000, 0)

func record(provider, id, reference string, fate State) Record {
	return Record{Key: Key{provider, Payout, id}, Reference: reference, Sell: money.FromMinor(100, "USD"), Buy: money.FromMinor(700, "CNY"),
		Fate: fate, Confirm: now, Taken: now}
}

func TestAnIDIsTakenOnce(t *testing.T) {
	b := New()
	r := record("p", "1", "u", Succeeded)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { b.Take(r, "") })
	}
	wg.Wait()
	other := r
	other.Digest[0] = 1
	other.Buy = money.FromMinor(900, "CNY")
	if kept, v, _ := b.Take(other, ""); v != Conflict || kept.Buy != r.Buy {
		t.Errorf("%+v, %v", kept, v)
	}
	got, ok := b.Find(r.Key)
	if !ok || got.Repeated != 9 || got.Conflicts != 1 || len(b.All("", "")) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestAQuoteIsUsedOnce(t *testing.T) {
	b := New()
	if _, v, used := b.Take(record("p", "1", "u1", Succeeded), "q"); v != Fresh || used {
		t.Error("not taken")
	}
	if _, _, used := b.Take(record("p", "2", "u2", Succeeded), "q"); !used {
		t.Error("taken twice")
	}
	if _, ok := b.Find(Key{"p", Payout, "2"}); ok {
		t.Error("entered")
	}
}

func TestDuplicatesAreFoundByReferenceAndByID(t *testing.T) {
	for name, tc := range map[string]struct {
		records []Record
		want    int
	}{
		"two providers for one payment":         {[]Record{record("p", "1-1", "u", Succeeded), record("q", "1-2", "u", Succeeded)}, 1},
		"one of them still processing":          {[]Record{record("p", "1-1", "u", Succeeded), late(record("q", "1-2", "u", Succeeded))}, 1},
		"one of them failed: that is failover":  {[]Record{record("p", "1-1", "u", Failed), record("q", "1-2", "u", Succeeded)}, 0},
		"the same ID at two providers":          {[]Record{record("p", "1", "u", Succeeded), record("q", "1", "v", Succeeded)}, 1},
		"payments without a reference are none": {[]Record{record("p", "1", "", Succeeded), record("p", "2", "", Succeeded)}, 0},
		"an exchange and its payout are one":    {[]Record{record("p", "1", "u", Succeeded), exchange(record("p", "1", "u", Succeeded))}, 0},
	} {
		b := New()
		for _, r := range tc.records {
			b.Take(r, "")
		}
		if r := b.Judge(now, "", false); len(r.Duplicates) != tc.want {
			t.Errorf("%s: %+v", name, r.Duplicates)
		}
	}
}

func late(r Record) Record {
	r.Confirm = now.Add(time.Hour)
	return r
}

func exchange(r Record) Record {
	r.Kind = Exchange
	return r
}

func TestReportAddsUp(t *testing.T) {
	b := New()
	b.Take(record("p", "1", "u1", Succeeded), "")
	b.Take(record("p", "2", "u2", Succeeded), "")
	b.Take(late(record("p", "3", "u3", Succeeded)), "")
	b.Take(record("q", "4", "u4", Failed), "")
	r := b.Judge(now, "", true)
	if r.Payouts != 4 || r.Succeeded != 2 || r.Processing != 1 || r.Failed != 1 || len(r.Entries) != 4 || len(r.Sums) != 3 {
		t.Errorf("%+v", r)
	}
	if s := r.Sums[1]; s.Provider != "p" || s.State != Succeeded || s.Count != 2 || s.Paid != "14.00" || s.Sold != "2.00" {
		t.Errorf("%+v", s)
	}
	if r := b.Judge(now.Add(2*time.Hour), "p", false); r.Payouts != 3 || r.Succeeded != 3 || r.Entries != nil {
		t.Errorf("%+v", r)
	}
	b.Take(exchange(record("p", "1", "", Succeeded)), "")
	b.Take(exchange(record("p", "x1", "", Succeeded)), "")
	b.Take(exchange(record("p", "x2", "", Failed)), "")
	r = b.Judge(now, "", false)
	if s := r.ExchangeSums; r.Exchanges != 3 || r.Payouts != 4 || len(s) != 2 || s[0].State != Failed || s[1].Count != 1 || s[1].Paid != "7.00" {
		t.Errorf("%+v", r)
	}
	b.Reset()
	if r := b.Judge(now, "", true); r.Payouts != 0 {
		t.Errorf("%+v", r)
	}
}
