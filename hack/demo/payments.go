package main

import (
	"fmt"
	"io"
	"math/rand/v2"
)

// customer is a merchant of one region; its money is held by a settlement participant, so that payments through another one's rails
// become obligations between the two.
type customer struct{ owner, participant string }

// lane is what one region sends.
type lane struct {
	region, corridor, currency string
	customers                  []customer
	// cents is the smallest and the largest payment.
	cents         [2]int64
	country       string
	beneficiaries []beneficiary
	payments      int
}

type beneficiary struct{ name, account, bic string }

var chinese = []beneficiary{
	{"Hangzhou Silk Trading Co Ltd", "6222021202041701234", "ICBKCNBJZJP"},
	{"Yiwu Small Commodities Ltd", "6228480322877711111", "ABOCCNBJ110"},
	{"Ningbo Marine Parts Co", "6217001540012345678", "PCBCCNBJZJX"},
	{"Shaoxing Textile Works", "6216610800001234567", "BKCHCNBJ910"},
}

// lanes are the demo's payments: a thousand, a few of them wrong on purpose.
var lanes = []lane{
	{"us-east", "us-cn", "USD", []customer{{"harbor-goods", "pingpong"}, {"blue-ridge-outdoor", "lianlian"}, {"lakeside-toys", "antom"}},
		[2]int64{20_00, 24_000_00}, "CN", chinese, 500},
	{"eu-frankfurt", "de-cn", "EUR", []customer{{"rhein-werkzeug", "antom"}, {"hansa-moebel", "pingpong"}, {"isar-optik", "lianlian"}},
		[2]int64{20_00, 18_000_00}, "CN", chinese, 300},
	{"cn-hangzhou", "cn-us", "CNY", []customer{{"west-lake-electronics", "lianlian"}, {"longjing-tea", "antom"}, {"qiantang-robotics", "pingpong"}},
		[2]int64{200_00, 160_000_00}, "US", []beneficiary{
			{"Harbor Goods LLC", "026009593123456", "BOFAUS3N"},
			{"Cascade Components Inc", "121000248765432", "WFBIUS6S"},
			{"Great Lakes Logistics", "021000021998877", "CHASUS33"},
		}, 200},
}

// poor has an account and nothing in it.
const poor = "empty-pockets"

// wrong is what is amiss with a few rows, so that refusals are seen too: two that are malformed, two that are refused for a reason.
var wrong = []string{"amount", "currency", "funds", "size"}

// writeCSV writes a lane's payments. The same run and lane give the same file, so sending it twice pays once.
func (l lane) writeCSV(w io.Writer, run int) error {
	if _, err := fmt.Fprintln(w, "id,corridor,account,currency,amount,beneficiary_name,beneficiary_country,beneficiary_account,beneficiary_bic,purpose,reference"); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(uint64(run), uint64(len(l.corridor))<<8|uint64(l.corridor[0])))
	for i := range l.payments {
		c := l.customers[rng.IntN(len(l.customers))]
		b := l.beneficiaries[rng.IntN(len(l.beneficiaries))]
		// Squaring skews towards small payments, as in trade.
		x := rng.Int64N(1000)
		cents := l.cents[0] + (l.cents[1]-l.cents[0])*x*x/1_000_000 + rng.Int64N(100)
		account, currency, amount := "customer:"+c.owner+":"+l.currency, l.currency, fmt.Sprintf("%d.%02d", cents/100, cents%100)
		if i%20 == 19 {
			switch wrong[(i/20)%len(wrong)] {
			case "amount":
				amount = "12.345"
			case "currency":
				currency = "GBP"
			case "funds":
				account = "customer:" + poor + ":" + l.currency
			case "size":
				amount = "19000000.00"
			}
		}
		if _, err := fmt.Fprintf(w, "demo-%d-%s-%04d,%s,%s,%s,%s,%s,%s,%s,%s,GDDS,INV-%d-%04d\n",
			run, l.corridor, i+1, l.corridor, account, currency, amount, b.name, l.country, b.account, b.bic, run, i+1); err != nil {
			return err
		}
	}
	return nil
}
