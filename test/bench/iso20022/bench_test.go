package iso20022

import (
	"encoding/xml"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/moov-io/iso20022/pkg/document"

	ours "qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/money"
)

// transfers makes a pacs.008 of n payments.
func transfers(b *testing.B, n int) []byte {
	b.Helper()
	usd := func(minor int64) money.Amount { return money.FromMinor(minor, "USD") }
	m := ours.Pacs008{Header: ours.GroupHeader{MessageID: "QT20261123-000001", Created: "2026-11-23T17:05:00+08:00", Count: fmt.Sprint(n), Settlement: ours.Settlement{Method: "INDA"}}}
	for i := range n {
		m.Transfers = append(m.Transfers, ours.CustomerTransfer{
			ID:     ours.PaymentID{InstructionID: fmt.Sprint("I-", i), EndToEndID: fmt.Sprint("E-", i), UETR: fmt.Sprintf("8a562c67-ca16-48ba-b074-%012x", i)},
			Amount: usd(125000), SettlementDate: "2026-11-24", InstructedAmount: usd(125000), ChargeBearer: "SHAR",
			InstructingAgent: &ours.Agent{BIC: "CHASUS33XXX"}, InstructedAgent: &ours.Agent{BIC: "ICBKCNBJZJP"},
			Debtor: ours.Party{Name: "Acme Trading Company", Address: &ours.Address{
				Street: "Lexington Avenue", BuildingNumber: "405", PostCode: "10174", Town: "New York", CountrySubdivision: "NY", Country: "US"}},
			DebtorAccount: &ours.Account{Other: "000123456789"}, DebtorAgent: ours.Agent{BIC: "CHASUS33XXX"}, CreditorAgent: ours.Agent{BIC: "ICBKCNBJZJP"},
			Creditor:        ours.Party{Name: "Hangzhou Silk Export Co Ltd", Address: &ours.Address{Town: "Hangzhou", Country: "CN", Lines: []string{"Wensan Road 90"}}},
			CreditorAccount: &ours.Account{Other: "1202021109900012345"}, Purpose: &ours.Code{Code: "GDDS"},
			Remittance: &ours.Remittance{Unstructured: []string{"Invoice 2026-11-17, silk scarves, order 88"}},
		})
	}
	doc, err := m.Append(nil, true)
	if err != nil {
		b.Fatal(err)
	}
	return doc
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkPacs008(b *testing.B) {
	for _, n := range []int{1, 1000} {
		doc := transfers(b, n)
		run := func(name string, read func() error) {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				b.SetBytes(int64(len(doc)))
				b.ReportAllocs()
				before := cpu(b)
				for b.Loop() {
					if err := read(); err != nil {
						b.Fatal(err)
					}
				}
				// By the processor's time, collector included, so that a busy machine does not count.
				b.ReportMetric(float64(len(doc))*float64(b.N)/1e6/(cpu(b)-before).Seconds(), "MB/cpu-s")
			})
		}
		run("qiantang, read and fully checked", func() error {
			m, _, err := ours.ReadPacs008(string(doc))
			if err == nil && n == 1 {
				if v := cbpr.CheckPacs008(m); len(v) > 0 {
					return v[0]
				}
			}
			return err
		})
		// The same struct shape through encoding/xml, which checks no schema.
		run("encoding/xml, into a struct", func() error {
			var m struct {
				Transfers []struct {
					EndToEndID string `xml:"PmtId>EndToEndId"`
					UETR       string `xml:"PmtId>UETR"`
					Amount     struct {
						Currency string `xml:"Ccy,attr"`
						Value    string `xml:",chardata"`
					} `xml:"IntrBkSttlmAmt"`
					Debtor   string `xml:"Dbtr>Nm"`
					Creditor string `xml:"Cdtr>Nm"`
				} `xml:"FIToFICstmrCdtTrf>CdtTrfTxInf"`
			}
			return xml.Unmarshal(doc, &m)
		})
		// Its Validate refuses every Purp/Cd, since it wants both branches of a choice: it is compared by parsing alone.
		run("moov-io/iso20022, parsed", func() error {
			_, err := document.ParseIso20022Document(doc)
			return err
		})
	}
}
