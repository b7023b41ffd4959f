package router

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/isotest"
	"qiantang.dev/rails/internal/router/isomsg"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

// get asks for a path and gives the problem that it is answered with.
func (r *replica) get(path string) (*http.Response, *client.Problem) {
	r.Helper()
	resp, err := http.Get(r.url + path)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	p := new(client.Problem)
	_ = json.NewDecoder(resp.Body).Decode(p)
	return resp, p
}

func TestAMessageThatIsNotTakenIsNamedWithThoseThatAre(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	const iso = "urn:iso:std:iso:20022:tech:xsd:"
	for name, c := range map[string]struct{ doc, place, value string }{
		"another message":  {isotest.Generate(iso20022.IDPacs009, 1), "body/Document", iso + "pacs.009.001.08"},
		"an answer":        {isotest.Generate(iso20022.IDCamt029, 1), "body/Document", iso + "camt.029.001.09"},
		"another version":  {`<Document xmlns="` + iso + `pacs.008.001.10"/>`, "body/Document", "pacs.008.001.10"},
		"another language": {`<Document xmlns="urn:other"/>`, "body/Document", "urn:other"},
		"another root":     {`<html/>`, "body/html", ""},
		"another envelope": {`<Envelope xmlns="urn:other"/>`, "body/Envelope", "urn:other"},
		"no header":        {`<Envelope xmlns="urn:swift:xsd:envelope"><Document xmlns="` + iso + `pacs.008.001.08"/></Envelope>`, "body/Envelope", ""},
		"a header alone":   {`<AppHdr xmlns="` + iso + `head.001.001.02"/>`, "body/AppHdr", iso + "head.001.001.02"},
	} {
		_, p := r.post("/v1/iso20022", "", typeXML, c.doc)
		if p.Status != http.StatusUnprocessableEntity || len(p.Errors) != 1 || p.Errors[0].Location != c.place || c.value != "" && fmt.Sprint(p.Errors[0].Value) != c.value ||
			!strings.Contains(p.Error(), "camt.056.001.08") {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestAPain001InAnEnvelopeIsAnsweredInOne(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	doc := strings.TrimPrefix(fmt.Sprintf(pain001, 1, "100.00", transferXML("E1", "100.00", "CN")), `<?xml version="1.0" encoding="UTF-8"?>`)
	h, err := isomsg.Head(iso20022.IDPain001, "ACME-1", "2026-11-23T09:00:00+00:00", "CHASUS33", ourBIC, nil).Append(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	head := strings.TrimPrefix(string(h), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
	whole := `<e:Envelope xmlns:e="` + isomsg.EnvelopeNamespace + `">` + head + doc + `</e:Envelope>`
	m := w.opened(r.exchanged(whole))
	if m.Definition != iso20022.IDPain002 || m.Header == nil || m.Header.To.Institution.BIC != "CHASUS33" || m.Header.Related[0].MessageID != "ACME-1" {
		t.Errorf("%+v", m.Header)
	}
	r.refusedAt("header of another", strings.Replace(whole, "<BizMsgIdr>ACME-1", "<BizMsgIdr>ACME-2", 1), http.StatusUnprocessableEntity, "body/AppHdr")
}

// endless is XML that never ends; it counts what is read of it.
type endless struct {
	begin string
	fill  byte
	read  int64
	most  int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.read >= e.most {
		return 0, io.EOF
	}
	for i := range p {
		if at := e.read + int64(i); at < int64(len(e.begin)) {
			p[i] = e.begin[at]
		} else {
			p[i] = e.fill
		}
	}
	e.read += int64(len(p))
	return len(p), nil
}

func TestWhatCannotBecomeAMessageIsRefusedEarlyInBoundedMemory(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	const root = `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08">`
	const gigabyte = 1 << 30
	send := func(e *endless, length int64) *client.Problem {
		t.Helper()
		e.most = gigabyte
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/v1/iso20022", e)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		req.Header.Set("Content-Type", typeXML)
		resp, err := http.DefaultTransport.(*http.Transport).Clone().RoundTrip(req)
		if err != nil {
			// The server has answered and closed; who is still sending may see that first.
			return nil
		}
		defer resp.Body.Close()
		p := new(client.Problem)
		if err := json.NewDecoder(resp.Body).Decode(p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for name, c := range map[string]struct {
		e      *endless
		length int64
		status int
		most   int64 // that may be taken off the wire, buffers of the kernel included
	}{
		"a gigabyte, told":     {&endless{begin: root, fill: ' '}, gigabyte, http.StatusRequestEntityTooLarge, 16 << 20},
		"a gigabyte, not told": {&endless{begin: root, fill: ' '}, -1, http.StatusRequestEntityTooLarge, maxISOBody + 16<<20},
		"a DTD":                {&endless{begin: `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">`, fill: ' '}, -1, http.StatusUnprocessableEntity, 16 << 20},
		"no XML":               {&endless{begin: `{"a":"`, fill: 'a'}, -1, http.StatusUnprocessableEntity, 16 << 20},
	} {
		p := send(c.e, c.length)
		t.Logf("%s: %d bytes read, answer %v", name, c.e.read, p)
		if p != nil && p.Status != c.status {
			t.Errorf("%s: %+v", name, p)
		}
		if c.e.read > c.most {
			t.Errorf("%s: %d bytes were read, at most %d are needed", name, c.e.read, c.most)
		}
	}
	runtime.ReadMemStats(&after)
	// One document of 32 MiB, grown by doubling, and no more.
	if used := int64(after.TotalAlloc - before.TotalAlloc); used > 6*maxISOBody {
		t.Errorf("%d MiB were allocated", used>>20)
	}
	deep := root + strings.Repeat("<FIToFICstmrCdtTrf>", 4000)
	bomb := `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;">]>` + root + "&lol1;"
	enveloped := func(inner string) string {
		return `<Envelope xmlns="` + isomsg.EnvelopeNamespace + `"><AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02">` + inner
	}
	for name, doc := range map[string]string{
		"entity bomb": bomb, "entity": root + "&lol;", "deep": deep, "deep in an envelope": enveloped(strings.Repeat("<a>", 4000)),
		"entity in an envelope": enveloped("&lol;"), "comment before a DTD": "<!-- -->" + bomb, "external": `<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>`,
		"UTF-16": "\xff\xfe<\x00", "cut": root + "<FIToFICstmrCdtTrf><GrpHdr><MsgId>", "signature": enveloped("<Sgntr>" + strings.Repeat("<x>", 40)),
	} {
		r.refusedAt(name, doc, http.StatusUnprocessableEntity)
	}
	long := bankTransfer(1, 10000)
	padded := strings.Replace(w.text(long), "</Document>", strings.Repeat(" ", maxBankMessage)+"</Document>", 1)
	r.refusedAt("a long message between agents", padded, http.StatusRequestEntityTooLarge, "body")
}

func TestLongMessagesWaitForAPlace(t *testing.T) {
	w := banks(t, sim.Options{})
	w.pace.Admit = time.Millisecond
	r := w.start("a", nil)
	for range largeMessages {
		r.messages <- struct{}{}
	}
	long := strings.Repeat(" ", smallMessage+1)
	_, p := r.post("/v1/iso20022", "", typeXML, long)
	if p.Status != http.StatusServiceUnavailable || p.Code() != codeBusy {
		t.Errorf("%+v", p)
	}
	r.refusedAt("a short one needs none", "<a/>", http.StatusUnprocessableEntity)
	<-r.messages
	if _, p := r.post("/v1/iso20022", "", typeXML, long); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("%+v", p)
	}
	if len(r.messages) != largeMessages-1 {
		t.Errorf("%d places are held", len(r.messages))
	}
}

func TestTheMessagesInTheDocsAreTaken(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("bank-newyork", "USD", "10000.00")
	read := func(name string) string {
		b, err := os.ReadFile("../../docs/examples/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	out, m := w.pacs002(r.exchanged(read("pacs.008.xml")))
	if verdict(out) != "ACSP" || m.Header == nil {
		t.Errorf("%s %+v", verdict(out), m.Header)
	}
	r.becomes(paymentID(out.Transfers[0].ServicerRef), client.Paid)
	if _, answer := r.recalledAs(strings.Replace(read("camt.056.xml"), "<OrgnlGrpInf>",
		"<Case><Id>CASE-1</Id><Cretr><Agt><FinInstnId><BICFI>HRBKUS33</BICFI></FinInstnId></Agt></Cretr></Case><OrgnlGrpInf>", 1)); !strings.Contains(string(answer), "<Conf>RJCR</Conf>") {
		t.Errorf("%s", answer)
	}
}
