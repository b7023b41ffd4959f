package plan

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func sealed(t *testing.T, r Region) *Region {
	t.Helper()
	if err := Seal(&r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func TestDecodeReadsWhatWasSealed(t *testing.T) {
	r := sealed(t, Region{Institution: "demo", Name: "us-east", Corridors: []Corridor{{Name: "us-cn", QuoteTTL: Text(30 * time.Second)}}})
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b)
	if err != nil || got.Revision != r.Revision || got.Corridors[0].QuoteTTL.D() != 30*time.Second {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	r := sealed(t, Region{Institution: "demo", Name: "us-east"})
	b, _ := json.Marshal(r)
	for what, in := range map[string]string{
		"unknown field":    strings.Replace(string(b), `"name"`, `"surprise":1,"name"`, 1),
		"another revision": strings.Replace(string(b), r.Revision, "0000000000000000", 1),
		"changed content":  strings.Replace(string(b), "us-east", "us-west", 1),
		"data at its end":  string(b) + "{}",
		"a bad duration":   `{"institution":"demo","name":"x","corridors":[{"quoteTTL":"soon"}]}`,
		"nothing":          "",
	} {
		if _, err := Decode([]byte(in)); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
}

func TestRevisionFollowsContentAlone(t *testing.T) {
	a := sealed(t, Region{Name: "x", Rails: []Rail{{Name: "cips"}}})
	b := sealed(t, Region{Name: "x", Rails: []Rail{{Name: "cips"}}, Revision: "something else"})
	c := sealed(t, Region{Name: "x", Rails: []Rail{{Name: "t2"}}})
	if a.Revision != b.Revision || a.Revision == c.Revision || len(a.Revision) != 16 {
		t.Errorf("%s %s %s", a.Revision, b.Revision, c.Revision)
	}
}

func TestMergeTakesEachMemberOnce(t *testing.T) {
	a := &Region{Institution: "demo", Name: "a", Rails: []Rail{{Name: "t2"}, {Name: "cips"}}, Corridors: []Corridor{{Name: "us-cn"}}, Self: "me"}
	b := &Region{Institution: "demo", Name: "b", Rails: []Rail{{Name: "cips"}}, Corridors: []Corridor{{Name: "de-cn"}}}
	m, err := Merge("local", a, b)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Rails) != 2 || len(m.Corridors) != 2 || m.Corridors[0].Name != "de-cn" || m.Self != "me" || m.Revision == "" {
		t.Errorf("%+v", m)
	}
	if _, err := Merge("local", a, &Region{Institution: "other"}); err == nil || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("got %v", err)
	}
}
