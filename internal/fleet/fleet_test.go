package fleet

import (
	"errors"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
)

func kubeconfig(user string) string {
	return `{"apiVersion":"v1","kind":"Config","current-context":"c","clusters":[{"name":"k","cluster":{"server":"https://region.example"}}],
"contexts":[{"name":"c","context":{"cluster":"k","user":"u"}}],"users":[{"name":"u","user":` + user + `}]}`
}

func TestAKubeconfigWithItsOwnCredentialsIsTaken(t *testing.T) {
	cfg, err := restConfig([]byte(kubeconfig(`{"token":"s3cret"}`)))
	if err != nil || cfg.Host != "https://region.example" || cfg.BearerToken != "s3cret" {
		t.Errorf("got %v", err)
	}
}

func TestKubeconfigsThatAreRefused(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"no YAML":             {"\x00s3cret", "cannot be read"},
		"no context":          {`{"apiVersion":"v1","kind":"Config"}`, `no context ""`},
		"no cluster":          {strings.Replace(kubeconfig(`{}`), `"name":"k"`, `"name":"other"`, 1), `no cluster "k"`},
		"runs a command":      {kubeconfig(`{"exec":{"apiVersion":"client.authentication.k8s.io/v1","command":"sh","interactiveMode":"Never"}}`), "exec"},
		"an auth provider":    {kubeconfig(`{"auth-provider":{"name":"x"}}`), "auth-provider"},
		"a token's file":      {kubeconfig(`{"tokenFile":"/var/run/secrets/token"}`), "tokenFile"},
		"a certificate's":     {kubeconfig(`{"client-certificate":"/x"}`), "client-certificate"},
		"a key's":             {kubeconfig(`{"client-key":"/x"}`), "client-key"},
		"an authority's file": {strings.Replace(kubeconfig(`{}`), `"server"`, `"certificate-authority":"/x","server"`, 1), "certificate-authority"},
		"contradicts itself":  {strings.Replace(kubeconfig(`{"token":"s3cret"}`), `https://region.example`, ``, 1), "incomplete"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := restConfig([]byte(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q in it", err, tt.want)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the secret is in %v", err)
			}
		})
	}
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func leaseOf(renewed time.Time) *coordinationv1.Lease {
	at := metav1.NewMicroTime(renewed)
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "l"},
		Spec:       coordinationv1.LeaseSpec{RenewTime: &at, LeaseDurationSeconds: ptr.To(int32(40))},
	}
}

func TestALeaseLivesByOurClock(t *testing.T) {
	var l leases
	// The worker's clock is an hour behind: lost at first sight, found with its next heartbeat.
	lease := leaseOf(noon.Add(-time.Hour))
	if l.see(lease, noon) {
		t.Error("live at first sight, though its time is an hour ago")
	}
	lease = leaseOf(noon.Add(-time.Hour + 10*time.Second))
	if !l.see(lease, noon.Add(10*time.Second)) {
		t.Error("a heartbeat did not bring it to life")
	}
	if s, expired := l.check(lease, noon.Add(45*time.Second)); !s.live || expired {
		t.Error("not live 35 s after a heartbeat")
	}
	if s, expired := l.check(lease, noon.Add(51*time.Second)); s.live || !expired {
		t.Error("live 41 s after a heartbeat")
	}
	if _, expired := l.check(lease, noon.Add(52*time.Second)); expired {
		t.Error("told twice that it ran out")
	}
	if l.see(lease, noon.Add(53*time.Second)) {
		t.Error("the same heartbeat brought it to life")
	}
	l.forget(lease)
	if !l.see(leaseOf(noon), noon) {
		t.Error("a fresh one is not live")
	}
}

func TestStatusAloneIsNoDrift(t *testing.T) {
	object := func(version string, generation int64, label string) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			ResourceVersion: version, Generation: generation, Labels: map[string]string{"a": label},
		}}
	}
	tests := map[string]struct {
		before, after *metav1.PartialObjectMetadata
		want          bool
	}{
		"the same":             {object("1", 0, "x"), object("1", 0, "x"), true},
		"status":               {object("1", 3, "x"), object("2", 3, "x"), true},
		"spec":                 {object("1", 3, "x"), object("2", 4, "x"), false},
		"a label":              {object("1", 3, "x"), object("2", 3, "y"), false},
		"data, not generation": {object("1", 0, "x"), object("2", 0, "x"), false},
	}
	for name, tt := range tests {
		if got := onlyStatus(tt.before, tt.after); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestNewNeedsWhatItNeeds(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("made without a cluster")
	}
	f, err := New(Options{Local: &rest.Config{}, Wake: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	if f.ProbeFailures != 3 || f.ProbeInterval != 10*time.Second {
		t.Errorf("defaults are %d and %s", f.ProbeFailures, f.ProbeInterval)
	}
	r := &Region{fleet: f}
	r.use(&connection{fleet: f, state: Reach{Err: "cut"}}, "ns")
	if _, err := r.Apply(t.Context()); !errors.Is(err, ErrNotConnected) {
		t.Errorf("got %v", err)
	}
}

func TestARegionChangesOverWhenTheNewConnectionStands(t *testing.T) {
	f, err := New(Options{Local: &rest.Config{}, Wake: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	before := &connection{fleet: f, state: Reach{Connected: true}}
	after := &connection{fleet: f}
	r := &Region{fleet: f}
	r.use(before, "ns")
	r.use(after, "ns")
	if c, _ := r.connection(); c != before || len(r.connections()) != 2 {
		t.Error("changed over to one that does not stand")
	}
	after.state = Reach{Connected: true}
	if c, _ := r.connection(); c != after || len(r.connections()) != 1 {
		t.Error("did not change over")
	}
}
