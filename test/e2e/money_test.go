//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/worker"
	"qiantang.dev/rails/pkg/client"
)

func getJSON(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

func dial(t *testing.T, url string) *client.Client {
	t.Helper()
	c, err := client.New(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// findCorridor is a corridor as a region's routers serve it, nil where they do not.
func findCorridor(t *testing.T, region, name string) (found *client.Corridor) {
	t.Helper()
	eventually(t, "routers of "+region+" answer", func() error {
		var list client.CorridorList
		err := getJSON(t.Context(), record.Regions[region].URL+"/v1/corridors", &list)
		for _, c := range list.Corridors {
			if c.Name == name {
				found = &c
			}
		}
		return err
	})
	return found
}

func corridorServed(t *testing.T, region, name string) client.Corridor {
	t.Helper()
	c := findCorridor(t, region, name)
	if c == nil {
		t.Fatalf("%s does not serve %s", region, name)
	}
	return *c
}

func balanced(t *testing.T, region string) {
	t.Helper()
	var b worker.TrialBalance
	if err := getJSON(t.Context(), record.Regions[region].URL+"/v1/trial-balance", &b); err != nil {
		t.Fatal(err)
	}
	if !b.Balanced || b.Entries == 0 {
		t.Errorf("%s: %+v", region, b)
	}
}

func TestTheDemoPaidAndSettled(t *testing.T) {
	for region := range record.Regions {
		url := record.Regions[region].URL
		var s client.Summary
		if err := getJSON(t.Context(), url+"/v1/summary", &s); err != nil {
			t.Fatal(err)
		}
		if s.States[client.Settled] == 0 || len(s.Rejects) == 0 {
			t.Errorf("%s: settled %d, rejects %v", region, s.States[client.Settled], s.Rejects)
		}
		name := fmt.Sprintf("demo-%d-%s", record.Run, region)
		if o := record.Hub.get(t, "settlementrun", name); o.Status.Phase != "Settled" {
			t.Errorf("run %s: phase %q", name, o.Status.Phase)
		}
		var r plan.RunReport
		if err := getJSON(t.Context(), url+"/v1/settlement/runs/"+name, &r); err != nil {
			t.Fatal(err)
		}
		if r.Payments == 0 || len(r.Instructions) == 0 || len(r.Breaks) != 0 {
			t.Errorf("run %s: %+v", name, r)
		}
		balanced(t, region)
	}
}

// TestTheSameRequestTwiceWhileThePodIsKilled sends payments under keys of their own while the worker is killed, again and again until
// each is answered, and then once more: every answer to a key is the same payment, and the account is debited once for each.
func TestTheSameRequestTwiceWhileThePodIsKilled(t *testing.T) {
	const payments = 30
	region, ns := record.Regions["us-east"], namespace+"-us-east"
	c := dial(t, region.URL)
	account := fmt.Sprintf("customer:killed-%d:USD", time.Now().UnixNano())
	owner := account[len("customer:") : len(account)-len(":USD")]
	retry := func(what string, f func() error) { t.Helper(); eventually(t, what, func() error { return f() }) }
	retry("account", func() error {
		_, err := c.OpenAccount(t.Context(), client.AccountRequest{Owner: owner, Currency: "USD", Participant: "lianlian"})
		return err
	})
	retry("deposit", func() error {
		_, err := c.Deposit(t.Context(), "fund-"+owner, client.DepositRequest{Account: account, Amount: client.Money{Currency: "USD", Value: "30000.00"}})
		return err
	})
	request := client.PaymentRequest{
		Corridor: "us-cn", Account: account, Amount: client.Money{Currency: "USD", Value: "100.00"}, Purpose: "GDDS",
		Beneficiary: client.Party{Name: "Yiwu Small Commodities Ltd", Country: "CN", Account: "6228480322877711111", AgentBIC: "ABOCCNBJ110"},
	}
	ids := map[string]string{}
	for i := range payments {
		if i%10 == 3 {
			region.must(t, "-n", ns, "delete", "pod", "-l", "rails.qiantang.dev/region=us-east", "--grace-period=0", "--force", "--wait=false")
		}
		key := fmt.Sprintf("%s-%d", owner, i)
		retry("payment "+key, func() error {
			p, err := c.Pay(t.Context(), key, request)
			if err != nil {
				var problem *client.Problem
				if errors.As(err, &problem) && problem.Status < 500 && problem.Status != http.StatusTooManyRequests {
					t.Fatalf("payment %s: %v", key, err)
				}
				return err
			}
			ids[key] = p.ID
			return nil
		})
	}
	for key, id := range ids {
		retry("payment "+key+" again", func() error {
			p, err := c.Pay(t.Context(), key, request)
			if err == nil && p.ID != id {
				t.Errorf("key %s was payment %s and is %s", key, id, p.ID)
			}
			return err
		})
	}
	retry("all are paid", func() error {
		for _, id := range ids {
			p, err := c.Payment(t.Context(), id)
			if err != nil {
				return err
			}
			if p.Status != client.Paid && p.Status != client.Settled {
				return fmt.Errorf("payment %s is %s", id, p.Status)
			}
		}
		return nil
	})
	a, err := c.Account(t.Context(), account)
	if err != nil || a.Posted != "27000.00" || a.Available != "27000.00" {
		t.Errorf("account %+v, %v; want 30000.00 less %d × 100.00", a, err, payments)
	}
	balanced(t, "us-east")
}

func TestPaymentsGoOnWithoutTheOperator(t *testing.T) {
	record.Hub.must(t, "-n", "qiantang-system", "scale", "deployment/qiantang-operator", "--replicas=0")
	defer record.Hub.must(t, "-n", "qiantang-system", "scale", "deployment/qiantang-operator", "--replicas=1")
	eventually(t, "the operator is gone", func() error {
		if out := record.Hub.must(t, "-n", "qiantang-system", "get", "pods", "-o", "name"); out != "" {
			return fmt.Errorf("pods: %s", out)
		}
		return nil
	})
	c := dial(t, record.Regions["eu-frankfurt"].URL)
	p, err := c.Pay(t.Context(), fmt.Sprintf("orphan-%d", time.Now().UnixNano()), client.PaymentRequest{
		Corridor: "de-cn", Account: "customer:hansa-moebel:EUR", Amount: client.Money{Currency: "EUR", Value: "250.00"}, Purpose: "GDDS",
		Beneficiary: client.Party{Name: "Shaoxing Textile Works", Country: "CN", Account: "6216610800001234567", AgentBIC: "BKCHCNBJ910"},
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is paid", func() error {
		got, err := c.Payment(t.Context(), p.ID)
		if err == nil && got.Status != client.Paid {
			err = fmt.Errorf("payment %s is %s", p.ID, got.Status)
		}
		return err
	})
}
