package delivery

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/plan"
)

func region(t *testing.T, corridors int, edit func(*plan.Region)) *plan.Region {
	t.Helper()
	r := &plan.Region{Institution: "demo", Name: "us-east", Jurisdiction: "US", Self: "us"}
	for i := range corridors {
		r.Corridors = append(r.Corridors, plan.Corridor{
			Name: fmt.Sprintf("c-%05d", i), Generation: 1, SourceCountry: "US", SourceCurrency: "USD", DestinationCountry: "CN",
			DestinationCurrency: "CNY", Rails: []string{"cips"}, Providers: []plan.RouteMember{{Name: "pingpong"}},
			Strategy: "BestAmount", QuoteTTL: plan.Duration(30 * time.Second),
			Rules:    []plan.Rule{{Name: "big", When: "payment.amount > 100000", Action: "Deny", Message: strings.Repeat("x", 400)}},
			FeeTiers: []plan.FeeTier{{From: "0", Bps: 30}},
		})
	}
	r.Providers = []plan.Provider{{Name: "antom"}, {Name: "pingpong", QuoteTimeout: plan.Duration(time.Second)}}
	r.Rails = []plan.Rail{{Name: "cips", Currency: "CNY"}}
	r.Participants = []plan.Participant{{Name: "us"}}
	r.Schedules = []plan.Schedule{{Name: "daily", CutOffs: []string{"0 16 * * *"}}}
	r.Webhooks = []plan.Webhook{{Name: "audit"}, {Name: "erp", URL: "https://erp.example/", Events: []string{"paid"}}}
	if edit != nil {
		edit(r)
	}
	if err := plan.Seal(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func store(shards []Shard) func(string) ([]byte, bool) {
	byName := map[string][]byte{}
	for _, s := range shards {
		byName[s.Name] = s.Packed
	}
	return func(n string) ([]byte, bool) { b, ok := byName[n]; return b, ok }
}

func encode(t *testing.T, r *plan.Region) (Index, []Shard) {
	t.Helper()
	ix, shards, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return ix, shards
}

func TestPlanSurvivesTheWay(t *testing.T) {
	for _, n := range []int{0, 1, 3, 2000} {
		r := region(t, n, nil)
		ix, shards := encode(t, r)
		data, err := EncodeIndex(ix)
		if err != nil {
			t.Fatal(err)
		}
		read, err := DecodeIndex(data)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(read, store(shards))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, r) {
			t.Errorf("%d corridors: got another plan back", n)
		}
	}
}

func TestAnEmptyPlanTravelsToo(t *testing.T) {
	r := &plan.Region{Institution: "demo", Name: "empty", Jurisdiction: "DE"}
	if err := plan.Seal(r); err != nil {
		t.Fatal(err)
	}
	ix, shards := encode(t, r)
	got, err := Decode(ix, store(shards))
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestOneEditRewritesOneShardOfTenThousandCorridors(t *testing.T) {
	before, shards := encode(t, region(t, 10_000, nil))
	after, _ := encode(t, region(t, 10_000, func(r *plan.Region) { r.Corridors[4711].Generation = 2 }))
	old := map[string]bool{}
	for _, s := range before.Shards {
		old[s.Name] = true
	}
	fresh := 0
	for _, s := range after.Shards {
		if !old[s.Name] {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d of %d shards are new, want 1", fresh, len(after.Shards))
	}
	for _, s := range shards {
		if len(s.Packed) > 256<<10 {
			t.Errorf("shard %s has %d bytes", s.Name, len(s.Packed))
		}
	}
	data, err := EncodeIndex(after)
	if err != nil {
		t.Fatal(err)
	}
	if len(data[KeyShards]) > 100<<10 {
		t.Errorf("the index has %d bytes", len(data[KeyShards]))
	}
}

func TestDecodeRefuses(t *testing.T) {
	r := region(t, 400, nil)
	ix, shards := encode(t, r)
	other, otherShards := encode(t, region(t, 400, func(r *plan.Region) { r.Name = "other" }))
	all := store(append(append([]Shard{}, shards...), otherShards...))
	tests := map[string]struct {
		index Index
		get   func(string) ([]byte, bool)
		want  string
	}{
		"no shards":          {Index{Revision: "x"}, all, "names no shards"},
		"another revision":   {Index{Revision: "0123456789abcdef", Shards: ix.Shards}, all, `the index says "0123456789abcdef"`},
		"a shard left out":   {Index{Revision: ix.Revision, Shards: ix.Shards[1:]}, all, "the shards make revision"},
		"a shard of another": {Index{Revision: ix.Revision, Shards: append(ix.Shards[:1:1], other.Shards[0])}, all, "belongs to region"},
		"wrong hash": {Index{Revision: ix.Revision, Shards: []ShardRef{{Name: ix.Shards[0].Name, SHA256: "00"}}}, all,
			"the index says 00"},
		"not gzip": {ix, func(string) ([]byte, bool) { return []byte("this was never compressed"), true }, "gzip"},
		"cut off":  {ix, func(n string) ([]byte, bool) { b, _ := all(n); return b[:len(b)/2], true }, "unexpected EOF"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Decode(tt.index, tt.get); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
	var missing *Missing
	if _, err := Decode(ix, func(string) ([]byte, bool) { return nil, false }); !errors.As(err, &missing) || missing.Name != ix.Shards[0].Name {
		t.Errorf("got %v, want the first shard missing", err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	unsorted := region(t, 3, func(r *plan.Region) { r.Corridors[0], r.Corridors[1] = r.Corridors[1], r.Corridors[0] })
	if _, _, err := Encode(unsorted); err == nil || !strings.Contains(err.Error(), `"c-00001" before "c-00000"`) {
		t.Errorf("unsorted: %v", err)
	}
	if _, _, err := Encode(&plan.Region{Name: "x"}); err == nil || !strings.Contains(err.Error(), "not sealed") {
		t.Errorf("not sealed: %v", err)
	}
	for _, data := range []map[string]string{{}, {KeyRevision: "x", KeyShards: "{"}} {
		if _, err := DecodeIndex(data); err == nil {
			t.Errorf("index %v was taken", data)
		}
	}
}

func TestCredentialsSurviveTheWay(t *testing.T) {
	in := map[string]map[string][]byte{"pingpong": {"clientId": []byte("a"), "private.pem": []byte("b")}, "antom.v2": {"key": []byte("c")}, plan.APIMaterial: {"tls.crt": []byte("d"), plan.MaterialAuthorities("mesh"): []byte("e")}}
	flat, err := FlattenCredentials(in)
	if err != nil {
		t.Fatal(err)
	}
	if got := SplitCredentials(flat); !reflect.DeepEqual(got, in) {
		t.Errorf("got %v", got)
	}
	if _, err := FlattenCredentials(map[string]map[string][]byte{"a_b": nil}); err == nil {
		t.Error("a name with an underscore was taken")
	}
	if got := SplitCredentials(map[string][]byte{"plain": []byte("x")}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
