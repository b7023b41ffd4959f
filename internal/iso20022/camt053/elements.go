package camt053

import (
	"strings"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/codec"
	"qiantang.dev/rails/internal/money"
)

var (
	groups  = codec.Fragment[groupHeader](iso20022.IDCamt053, "GrpHdr", "GroupHeader81")
	heads   = codec.Fragment[statementHead](iso20022.IDCamt053, "Stmt", "AccountStatement9")
	entries = codec.Fragment[entry](iso20022.IDCamt053, "Ntry", "ReportEntry10")
)

type groupHeader struct {
	MessageID string `iso:"MsgId"`
	Created   string `iso:"CreDtTm"`
}

type statementHead struct {
	ID       string           `iso:"Id"`
	Sequence string           `iso:"ElctrncSeqNb"`
	Created  string           `iso:"CreDtTm"`
	From     string           `iso:"FrToDt>FrDtTm"`
	To       string           `iso:"FrToDt>ToDtTm"`
	Account  statementAccount `iso:"Acct"`
	Balances []balance        `iso:"Bal"`
}

type statementAccount struct {
	Account  identification  `iso:"Id"`
	Currency money.Currency  `iso:"Ccy"`
	Name     string          `iso:"Nm"`
	Owner    *iso20022.Party `iso:"Ownr"`
	Servicer *iso20022.Agent `iso:"Svcr"`
}

type identification struct {
	IBAN   string `iso:"IBAN"`
	Other  string `iso:"Othr>Id"`
	Scheme string `iso:"Othr>SchmeNm>Cd"`
}

func accountID(a iso20022.Account) identification {
	return identification{IBAN: a.IBAN, Other: a.Other, Scheme: a.SchemeCode}
}

type balance struct {
	Type      string        `iso:"Tp>CdOrPrtry>Cd"`
	Amount    money.Amount  `iso:"Amt"`
	Indicator string        `iso:"CdtDbtInd"`
	Day       iso20022.When `iso:"Dt"`
}

func newBalance(typ string, a money.Amount, day string) balance {
	b := balance{Type: typ, Day: when(day)}
	b.Amount, b.Indicator = signed(a)
	return b
}

// signed splits an amount into its size and the side it is on. Zero is a credit.
func signed(a money.Amount) (money.Amount, string) {
	if a.IsNegative() {
		return a.Neg(), "DBIT"
	}
	return a, "CRDT"
}

func when(s string) iso20022.When {
	if strings.Contains(s, "T") {
		return iso20022.When{DateTime: s}
	}
	return iso20022.When{Date: s}
}

type entry struct {
	Reference   string         `iso:"NtryRef"`
	Amount      money.Amount   `iso:"Amt"`
	Indicator   string         `iso:"CdtDbtInd"`
	Reversal    string         `iso:"RvslInd"`
	Status      string         `iso:"Sts>Cd"`
	Booked      iso20022.When  `iso:"BookgDt"`
	Value       iso20022.When  `iso:"ValDt"`
	ServicerRef string         `iso:"AcctSvcrRef"`
	Domain      string         `iso:"BkTxCd>Domn>Cd"`
	Family      string         `iso:"BkTxCd>Domn>Fmly>Cd"`
	SubFamily   string         `iso:"BkTxCd>Domn>Fmly>SubFmlyCd"`
	Proprietary string         `iso:"BkTxCd>Prtry>Cd"`
	Details     []entryDetails `iso:"NtryDtls"`
	Additional  string         `iso:"AddtlNtryInf"`
}

type entryDetails struct {
	Transactions []transaction `iso:"TxDtls"`
}

type transaction struct {
	InstructionID string       `iso:"Refs>InstrId"`
	EndToEndID    string       `iso:"Refs>EndToEndId"`
	UETR          string       `iso:"Refs>UETR"`
	TransactionID string       `iso:"Refs>TxId"`
	Amount        money.Amount `iso:"Amt"`
	Indicator     string       `iso:"CdtDbtInd"`
	Remittance    []string     `iso:"RmtInf>Ustrd"`
}

func newEntry(e Entry) entry {
	x := entry{
		Reference: e.Reference, Status: "BOOK", Booked: when(e.Booked), Value: when(e.Value), ServicerRef: e.ServicerRef,
		Domain: e.Domain, Family: e.Family, SubFamily: e.SubFamily, Proprietary: e.Proprietary, Additional: e.Additional,
	}
	x.Amount, x.Indicator = signed(e.Amount)
	if e.Reversal {
		x.Reversal = "true"
	}
	t := transaction{InstructionID: e.InstructionID, EndToEndID: e.EndToEndID, UETR: e.UETR, TransactionID: e.TransactionID}
	if e.Remittance != "" {
		t.Remittance = []string{e.Remittance}
	}
	if t.InstructionID+t.EndToEndID+t.UETR+t.TransactionID+e.Remittance != "" {
		t.Amount, t.Indicator = x.Amount, x.Indicator
		x.Details = []entryDetails{{Transactions: []transaction{t}}}
	}
	return x
}
