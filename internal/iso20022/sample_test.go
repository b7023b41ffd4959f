package iso20022_test

import (
	"fmt"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/money"
)

func usd(minor int64) money.Amount { return money.FromMinor(minor, "USD") }

// customerTransfer is a payment as CBPR+ wants it.
func customerTransfer(i int) iso20022.CustomerTransfer {
	return iso20022.CustomerTransfer{
		ID: iso20022.PaymentID{
			InstructionID: fmt.Sprintf("QT20261123-%06d", i), EndToEndID: fmt.Sprintf("INV-2026-%06d", i),
			UETR: fmt.Sprintf("8a562c67-ca16-48ba-b074-%012x", i),
		},
		Type:   &iso20022.BankPayment{ServiceLevels: []iso20022.Code{{Code: "G001"}}, CategoryPurpose: &iso20022.Code{Code: "TRAD"}},
		Amount: usd(125000 + int64(i)), SettlementDate: "2026-11-24", InstructedAmount: usd(125500 + int64(i)), ChargeBearer: "CRED",
		Charges:          []iso20022.Charge{{Amount: usd(500), Agent: iso20022.Agent{BIC: "CHASUS33XXX"}}},
		InstructingAgent: &iso20022.Agent{BIC: "CHASUS33XXX"}, InstructedAgent: &iso20022.Agent{BIC: "ICBKCNBJZJP"},
		Debtor: iso20022.Party{Name: "Acme Trading Company", Address: &iso20022.Address{
			Street: "Lexington Avenue", BuildingNumber: "405", PostCode: "10174", Town: "New York", CountrySubdivision: "NY", Country: "US"}},
		DebtorAccount: &iso20022.Account{Other: "000123456789"}, DebtorAgent: iso20022.Agent{BIC: "CHASUS33XXX"},
		CreditorAgent: iso20022.Agent{BIC: "ICBKCNBJZJP", ClearingCode: "CNAPS", Member: "102331000014"},
		Creditor: iso20022.Party{Name: "Hangzhou Silk Export Co Ltd", Address: &iso20022.Address{
			Town: "Hangzhou", Country: "CN", Lines: []string{"West Lake District, Wensan Road 90", "Building 6"}}},
		CreditorAccount: &iso20022.Account{Other: "1202021109900012345"},
		Purpose:         &iso20022.Code{Code: "GDDS"},
		RegulatoryReporting: []iso20022.RegulatoryReport{{Indicator: "CRED", AuthorityCountry: "CN",
			Details: []iso20022.RegulatoryDetail{{Code: "121010", Information: []string{"General trade"}}}}},
		Remittance: &iso20022.Remittance{Unstructured: []string{"Invoice 2026-11-17, silk scarves, order 88"}},
	}
}

func pacs008(n int) *iso20022.Pacs008 {
	m := &iso20022.Pacs008{Header: iso20022.GroupHeader{
		MessageID: "QT20261123-000001", Created: "2026-11-23T17:05:00+08:00", Count: fmt.Sprint(n), Settlement: iso20022.Settlement{Method: "INDA"},
	}}
	for i := range n {
		m.Transfers = append(m.Transfers, customerTransfer(i+1))
	}
	return m
}
