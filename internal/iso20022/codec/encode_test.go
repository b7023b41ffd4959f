package codec_test

import (
	"errors"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/codec"
	"qiantang.dev/rails/internal/money"
)

func TestWhatTheSchemaForbidsIsNotWritten(t *testing.T) {
	good := func() *iso20022.Pain001 {
		m, _, err := iso20022.ReadPain001(pain(t, "M1", "M1"))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, c := range map[string]struct {
		change    func(*iso20022.Pain001, *iso20022.CreditTransfer)
		path, why string
	}{
		"missing":   {func(m *iso20022.Pain001, _ *iso20022.CreditTransfer) { m.MessageID = "" }, "/GrpHdr", "MsgId is missing"},
		"none":      {func(m *iso20022.Pain001, _ *iso20022.CreditTransfer) { m.Payments = nil }, "/CstmrCdtTrfInitn", "PmtInf is missing"},
		"no choice": {func(m *iso20022.Pain001, _ *iso20022.CreditTransfer) { m.Payments[0].Execution = iso20022.When{} }, "/PmtInf[1]", "ReqdExctnDt is missing"},
		"two choices": {func(m *iso20022.Pain001, _ *iso20022.CreditTransfer) {
			m.Payments[0].Execution.DateTime = "2026-11-24T00:00:00Z"
		}, "/ReqdExctnDt", "only one"},
		"half a code": {func(_ *iso20022.Pain001, x *iso20022.CreditTransfer) { x.Purpose = &iso20022.Code{} }, "/Purp", "needs one of several"},
		"long":        {func(_ *iso20022.Pain001, x *iso20022.CreditTransfer) { x.EndToEndID = strings.Repeat("x", 36) }, "/CdtTrfTxInf[1]/PmtId/EndToEndId", "longer than 35"},
		"UETR":        {func(_ *iso20022.Pain001, x *iso20022.CreditTransfer) { x.UETR = "1" }, "/PmtId/UETR", "does not match"},
		"control":     {func(_ *iso20022.Pain001, x *iso20022.CreditTransfer) { x.EndToEndID = "a\x01" }, "/PmtId/EndToEndId", "character"},
		"not UTF-8":   {func(_ *iso20022.Pain001, x *iso20022.CreditTransfer) { x.EndToEndID = "a\xff" }, "/PmtId/EndToEndId", "character"},
		"U+FFFF":      {func(_ *iso20022.Pain001, x *iso20022.CreditTransfer) { x.EndToEndID = "a\uffff" }, "/PmtId/EndToEndId", "character"},
		"currency":    {func(_ *iso20022.Pain001, x *iso20022.CreditTransfer) { x.Amount = money.FromMinor(1, "XXX") }, "/Amt/InstdAmt", "not an ISO 4217 currency"},
		"negative":    {func(_ *iso20022.Pain001, x *iso20022.CreditTransfer) { x.Amount = money.FromMinor(-1, "USD") }, "/Amt/InstdAmt", "negative"},
		"huge":        {func(_ *iso20022.Pain001, x *iso20022.CreditTransfer) { x.Amount = money.FromMinor(1<<62, "USD") }, "/Amt/InstdAmt", "more than 18 digits"},
		"too many": {func(_ *iso20022.Pain001, x *iso20022.CreditTransfer) {
			x.RegulatoryReporting = make([]iso20022.RegulatoryReport, 11)
			for i := range x.RegulatoryReporting {
				x.RegulatoryReporting[i].Indicator = "CRED"
			}
		}, "/RgltryRptg[11]", "more than 10 times"},
	} {
		t.Run(name, func(t *testing.T) {
			m := good()
			c.change(m, &m.Payments[0].Transfers[0])
			out, err := m.Append([]byte("kept"), true)
			var e *iso20022.Error
			if !errors.As(err, &e) || !strings.HasSuffix(e.Path, c.path) || !strings.Contains(e.Why, c.why) || e.Offset != -1 {
				t.Errorf("%v\nwant …%s: …%s…", err, c.path, c.why)
			}
			if string(out) != "kept" {
				t.Errorf("returned %q beside the error", out)
			}
		})
	}
}

func TestIndentedAndPlainSayTheSame(t *testing.T) {
	m, _, err := iso20022.ReadPain001(pain(t, "M1", "M1"))
	if err != nil {
		t.Fatal(err)
	}
	indented, err := m.Append(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := iso20022.ReadPain001(string(indented))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := again.Append(nil, false)
	if err != nil || string(plain) != pain(t, "M1", "M1") {
		t.Errorf("%v\n%s", err, plain)
	}
	if !strings.Contains(string(indented), "\n      <MsgId>M1</MsgId>\n") {
		t.Errorf("not indented:\n%s", indented)
	}
}

func TestStructsThatDoNotFitTheSchemaAreMistakesOfOurs(t *testing.T) {
	for name, fit := range map[string]func(){
		"no message": func() { codec.New[struct{}]("pacs.008.001.99") },
		"no element": func() {
			codec.New[struct {
				A string `iso:"Nope"`
			}]("pacs.008.001.08")
		},
		"no tag": func() { codec.New[struct{ A string }]("pacs.008.001.08") },
		"two fields": func() {
			codec.New[struct {
				A string `iso:"GrpHdr>MsgId"`
				B string `iso:"GrpHdr>MsgId"`
			}]("pacs.008.001.08")
		},
		"not repeated": func() {
			codec.New[struct {
				A []string `iso:"GrpHdr>MsgId"`
			}]("pacs.008.001.08")
		},
		"repeated": func() {
			codec.New[struct {
				A string `iso:"CdtTrfTxInf>ChrgBr"`
			}]("pacs.008.001.08")
		},
		"float": func() {
			codec.New[struct {
				A float64 `iso:"GrpHdr>CtrlSum"`
			}]("pacs.008.001.08")
		},
		"text for tree": func() {
			codec.New[struct {
				A string `iso:"GrpHdr"`
			}]("pacs.008.001.08")
		},
		"no type": func() { codec.Fragment[struct{}]("camt.053.001.08", "Ntry", "Nope") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("was taken")
				}
			}()
			fit()
		})
	}
}
