package sim_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/fx/fxtest"
	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/sim"
)

const pacs009 = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.009.001.08"><FICdtTrf>
<GrpHdr><MsgId>QT-1</MsgId><CreDtTm>2026-11-23T17:00:00Z</CreDtTm><NbOfTxs>2</NbOfTxs><TtlIntrBkSttlmAmt Ccy="CNY">30.50</TtlIntrBkSttlmAmt>
<IntrBkSttlmDt>2026-11-24</IntrBkSttlmDt><SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr>
<CdtTrfTxInf><PmtId><InstrId>I1</InstrId><EndToEndId>E1</EndToEndId></PmtId><IntrBkSttlmAmt Ccy="CNY">10.25</IntrBkSttlmAmt>
<Dbtr><FinInstnId><BICFI>PINGCNBJ</BICFI></FinInstnId></Dbtr><Cdtr><FinInstnId><BICFI>QIANCNSH</BICFI></FinInstnId></Cdtr></CdtTrfTxInf>
<CdtTrfTxInf><PmtId><InstrId>I2</InstrId><EndToEndId>E2</EndToEndId></PmtId><IntrBkSttlmAmt Ccy="CNY">20.25</IntrBkSttlmAmt>
<Dbtr><FinInstnId><BICFI>PINGCNBJ</BICFI></FinInstnId></Dbtr><Cdtr><FinInstnId><Nm>LianLian</Nm></FinInstnId></Cdtr></CdtTrfTxInf>
</FICdtTrf></Document>`

func clear(t *testing.T, p *fxtest.Peer, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.Server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/xml")
	resp, err := p.Server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// status reads the answer with our own strict reader.
func status(t *testing.T, body string) (id, said, reason string) {
	t.Helper()
	report, _, err := iso20022.ReadPacs002(body)
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	g := report.Groups[0]
	if len(g.Reasons) > 0 {
		reason = g.Reasons[0].Reason.Value()
	}
	return g.MessageID, g.Status, reason
}

func TestClearingSettlesAMessageOnce(t *testing.T) {
	p := fxtest.Start(t, "OpenFX", nil)
	if code, _ := clear(t, p, "GET", "/clearing/messages/QT-1", ""); code != http.StatusNotFound {
		t.Errorf("before: %d", code)
	}
	for _, path := range []string{"/clearing", "/clearing/cips/messages"} {
		code, body := clear(t, p, "POST", path, pacs009)
		if id, said, _ := status(t, body); code != 200 || id != "QT-1" || said != "ACSC" {
			t.Errorf("%d %s", code, body)
		}
	}
	code, body := clear(t, p, "POST", "/clearing", strings.ReplaceAll(pacs009, "E2", "E3"))
	if _, said, reason := status(t, body); code != http.StatusConflict || said != "RJCT" || reason != "DU01" {
		t.Errorf("%d %s", code, body)
	}
	code, body = clear(t, p, "GET", "/clearing/messages/QT-1", "")
	if _, said, _ := status(t, body); code != 200 || said != "ACSC" {
		t.Errorf("%d %s", code, body)
	}
}

func TestClearingRefusesWhatDoesNotAddUp(t *testing.T) {
	p := fxtest.Start(t, "OpenFX", nil)
	for name, change := range map[string][2]string{
		"the count":            {"<NbOfTxs>2", "<NbOfTxs>3"},
		"the total":            {"30.50", "30.51"},
		"an amount":            {"10.25", "10.255"},
		"a currency":           {`IntrBkSttlmAmt Ccy="CNY">10.25`, `IntrBkSttlmAmt Ccy="CNH">10.25`},
		"a date":               {"2026-11-24", "tomorrow"},
		"a repeated reference": {"<InstrId>I2</InstrId><EndToEndId>E2", "<InstrId>I1</InstrId><EndToEndId>E1"},
		"paying oneself":       {"QIANCNSH", "PINGCNBJ"},
		"another message":      {"pacs.009.001.08", "pacs.008.001.08"},
	} {
		code, body := clear(t, p, "POST", "/clearing", strings.Replace(pacs009, change[0], change[1], 1))
		if _, said, reason := status(t, body); code != http.StatusUnprocessableEntity || said != "RJCT" || reason != "FF01" {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	if code, _ := clear(t, p, "GET", "/clearing/messages/QT-1", ""); code != http.StatusNotFound {
		t.Errorf("taken: %d", code)
	}
}

func TestClearingMisbehaves(t *testing.T) {
	p := fxtest.Start(t, "OpenFX", nil)
	set := func(f sim.Faults) {
		t.Helper()
		if err := p.Simulator.SetFaults("clearing", f); err != nil {
			t.Fatal(err)
		}
	}
	f := sim.Faults{LateBps: 10000}
	f.Late = 60e9
	set(f)
	if _, said, _ := status(t, second(clear(t, p, "POST", "/clearing", pacs009))); said != "PDNG" {
		t.Errorf("late: %s", said)
	}
	p.Clock.Advance(2 * time.Minute)
	if _, said, _ := status(t, second(clear(t, p, "GET", "/clearing/messages/QT-1", ""))); said != "ACSC" {
		t.Errorf("afterwards: %s", said)
	}
	set(sim.Faults{RefuseBps: 10000})
	if _, said, reason := status(t, second(clear(t, p, "POST", "/clearing", strings.ReplaceAll(pacs009, "QT-1", "QT-2")))); said != "RJCT" || reason != "AM23" {
		t.Errorf("refused: %s %s", said, reason)
	}
	set(sim.Faults{Outage: true})
	if code, _ := clear(t, p, "POST", "/clearing", pacs009); code != http.StatusServiceUnavailable {
		t.Errorf("outage: %d", code)
	}
}

func second(_ int, body string) string { return body }
