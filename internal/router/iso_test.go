package router

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/pkg/client"
)

const pain001 = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn>
<GrpHdr><MsgId>ACME-1</MsgId><CreDtTm>2026-11-23T09:00:00Z</CreDtTm><NbOfTxs>%[1]d</NbOfTxs><CtrlSum>%[2]s</CtrlSum><InitgPty><Nm>Acme</Nm></InitgPty></GrpHdr>
<PmtInf><PmtInfId>B1</PmtInfId><PmtMtd>TRF</PmtMtd><ReqdExctnDt><Dt>2026-11-23</Dt></ReqdExctnDt><Dbtr><Nm>Acme</Nm></Dbtr>
<DbtrAcct><Id><Othr><Id>customer:acme:USD</Id></Othr></Id></DbtrAcct><DbtrAgt><FinInstnId><BICFI>CHASUS33</BICFI></FinInstnId></DbtrAgt>
%[3]s</PmtInf></CstmrCdtTrfInitn></Document>`

func transferXML(id, amount, country string) string {
	return fmt.Sprintf(`<CdtTrfTxInf><PmtId><EndToEndId>%s</EndToEndId></PmtId><Amt><InstdAmt Ccy="USD">%s</InstdAmt></Amt>
<CdtrAgt><FinInstnId><BICFI>ICBKCNBJ</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>Hangzhou Silk</Nm><PstlAdr><TwnNm>Hangzhou</TwnNm><Ctry>%s</Ctry></PstlAdr></Cdtr>
<CdtrAcct><Id><Othr><Id>6222021234567890</Id></Othr></Id></CdtrAcct><Purp><Cd>GDDS</Cd></Purp><RmtInf><Ustrd>Invoice 1</Ustrd></RmtInf></CdtTrfTxInf>
`, id, amount, country)
}

func (r *replica) initiateOK(doc string) *iso20022.Pain002 {
	r.Helper()
	b, err := r.api.ISO20022(r.Context(), []byte(doc))
	if err != nil {
		r.Fatal(err)
	}
	m, _, err := iso20022.ReadPain002(string(b))
	if err != nil {
		r.Fatalf("%v in\n%s", err, b)
	}
	return m
}

func TestAPain001IsPaidAndAnsweredByAPain002(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	doc := fmt.Sprintf(pain001, 4, "6130.00", transferXML("E1", "100.00", "CN")+transferXML("E2", "30.00", "CN")+transferXML("E3", "5000.00", "CN")+transferXML("E4", "1000.00", "FR"))
	m := r.initiateOK(doc)
	if m.GroupStatus != "PART" || m.OriginalMessageID != "ACME-1" || len(m.Payments) != 1 || len(m.Payments[0].Transfers) != 4 {
		t.Fatalf("%+v", m)
	}
	want := []string{"ACSP", "ACSP", "RJCT AM04", "RJCT AG01"}
	for i, tr := range m.Payments[0].Transfers {
		got := tr.Status
		if len(tr.Reasons) > 0 {
			got += " " + tr.Reasons[0].Reason.Code
		}
		if got != want[i] || tr.OriginalEndToEndID != fmt.Sprintf("E%d", i+1) {
			t.Errorf("transfer %d: %s, want %s: %+v", i, got, want[i], tr)
		}
	}
	w.until("nothing is under way", r.calm)
	again := r.initiateOK(doc)
	for i, tr := range again.Payments[0].Transfers {
		if tr.ServicerRef != m.Payments[0].Transfers[i].ServicerRef || tr.Status != m.Payments[0].Transfers[i].Status {
			t.Errorf("sent again, transfer %d: %+v", i, tr)
		}
	}
	page, err := r.api.Payments(t.Context(), client.ListOptions{Status: client.Paid})
	if err != nil || len(page.Payments) != 2 || page.Payments[0].Metadata["endToEndId"] == "" || page.Payments[0].Reference != "Invoice 1" {
		t.Errorf("%+v, %v", page, err)
	}
	w.audit()
}

func TestAPain001WithWrongTotalsIsRejectedWhole(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	one := transferXML("E1", "100.00", "CN")
	for code, doc := range map[string]string{
		"AM18": fmt.Sprintf(pain001, 2, "100.00", one),
		"AM10": fmt.Sprintf(pain001, 1, "100.01", one),
	} {
		m := r.initiateOK(doc)
		if m.GroupStatus != "RJCT" || m.GroupReasons[0].Reason.Code != code {
			t.Errorf("%s: %+v", code, m)
		}
	}
	if n, err := w.ledger.CountRecords(t.Context(), kindPayment, ""); err != nil || len(n) != 0 {
		t.Errorf("recorded %v, %v", n, err)
	}
}

func TestAPain001ThatIsNoneIsRefusedWithThePath(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	good := fmt.Sprintf(pain001, 1, "100.00", transferXML("E1", "100.00", "CN"))
	for name, doc := range map[string]string{
		"amount":  strings.Replace(good, ">100.00</InstdAmt>", ">1e2</InstdAmt>", 1),
		"unknown": strings.Replace(good, "<Purp>", "<Porp/><Purp>", 1),
		"entity":  `<!DOCTYPE x [<!ENTITY a "b">]>` + good,
		"cut":     good[:len(good)/2],
		"none":    "",
	} {
		_, p := r.post("/v1/iso20022", "", "application/xml", doc)
		if p.Status < 400 || p.Status >= 500 || name != "none" && (len(p.Errors) == 0 || !strings.HasPrefix(p.Errors[0].Location, "body/")) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if _, p := r.post("/v1/iso20022", "", "application/xml", strings.Repeat(" ", maxISOBody+1)); p.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %+v", p)
	}
}
