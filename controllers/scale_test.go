package controllers_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/controllers/envtesting"
)

// TestOneEditOfManyCorridorsWritesLittle has QIANTANG_CORRIDORS corridors (unset: 300).
func TestOneEditOfManyCorridorsWritesLittle(t *testing.T) {
	many := 300
	if s := os.Getenv("QIANTANG_CORRIDORS"); s != "" {
		var err error
		if many, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.small("home")
	w.local("home")
	w.ready(&v1alpha1.PaymentCorridor{}, "home-corridor")
	model := &v1alpha1.PaymentCorridor{}
	if err := w.get(model, "home-corridor"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var g errgroup.Group
	g.SetLimit(16)
	for i := range many {
		c := &v1alpha1.PaymentCorridor{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: fmt.Sprintf("c-%05d", i)}, Spec: *model.Spec.DeepCopy()}
		c.Spec.Source.Country, c.Spec.Destination.Country = pair(i)
		g.Go(func() error { return w.hub.Create(w.ctx(), c) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("created in %s", time.Since(began).Round(time.Second))
	w.within(10*time.Minute, "all are Ready", func() error {
		var list v1alpha1.PaymentCorridorList
		if err := w.hub.List(w.ctx(), &list, client.InNamespace(w.ns)); err != nil {
			return err
		}
		left := 0
		for i := range list.Items {
			if !meta.IsStatusConditionTrue(list.Items[i].Status.Conditions, v1alpha1.ConditionReady) {
				left++
			}
		}
		if left > 0 {
			return fmt.Errorf("%d are not", left)
		}
		return nil
	})
	t.Logf("all Ready after %s", time.Since(began).Round(time.Second))
	w.settled("home")
	before := w.versions("home")
	c := &v1alpha1.PaymentCorridor{}
	began = time.Now()
	edit(w, c, "c-00007", func(c *v1alpha1.PaymentCorridor) { c.Spec.Limits.Max = "7.00" })
	w.ready(c, "c-00007")
	t.Logf("an edit is served after %s", time.Since(began).Round(time.Millisecond))
	w.settled("home")
	after := w.versions("home")
	var touched []string
	for key, version := range after {
		if before[key] != version {
			touched = append(touched, key)
		}
	}
	for _, key := range touched {
		if !strings.Contains(key, "/c-00007") && !strings.Contains(key, "/qiantang-home-plan") && !strings.HasSuffix(key, w.ns+"/home") {
			t.Errorf("%s was written", key)
		}
	}
	// The corridor, the index, one shard, the Region's status.
	if len(touched) > 4 {
		t.Errorf("%d objects were written: %v", len(touched), touched)
	}
}

// pair gives every number another pair of countries.
func pair(i int) (from, to v1alpha1.CountryCode) {
	countries := []v1alpha1.CountryCode{"AD", "AE", "AT", "AU", "BE", "BG", "BR", "CA", "CH", "CL", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HK",
		"HR", "HU", "ID", "IE", "IL", "IN", "IS", "IT", "JP", "KR", "LI", "LT", "LU", "LV", "MC", "MT", "MX", "MY", "NL", "NO", "NZ", "PH", "PL", "PT", "RO",
		"SE", "SG", "SI", "SK", "TH", "TR", "TW", "UA", "VN", "ZA", "AR", "AM", "AZ", "BA", "BD", "BH", "BO", "BW", "BY", "CI", "CM", "CO", "CR", "CY", "DO",
		"DZ", "EC", "EG", "ET", "GE", "GH", "GT", "HN", "IQ", "JM", "JO", "KE", "KG", "KH", "KW", "KZ", "LA", "LB", "LK", "MA", "MD", "ME", "MG", "MK", "MN",
		"MO", "MU", "MW", "MZ", "NA", "NG"}
	return countries[i/len(countries)], countries[i%len(countries)]
}

func (w *world) within(limit time.Duration, what string, check func() error) {
	w.t.Helper()
	envtesting.EventuallyWithin(w.t, limit, what, check)
}
