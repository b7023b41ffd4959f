package codec_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/codec"
)

const ns = `urn:iso:std:iso:20022:tech:xsd:pain.001.001.09`

// pain is a small valid document; old is replaced by with, once.
func pain(t *testing.T, old, with string) string {
	t.Helper()
	doc := `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="` + ns + `"><CstmrCdtTrfInitn><GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-23T17:05:00Z</CreDtTm><NbOfTxs>1</NbOfTxs><InitgPty><Nm>Acme</Nm></InitgPty></GrpHdr>` +
		`<PmtInf><PmtInfId>P1</PmtInfId><PmtMtd>TRF</PmtMtd><ReqdExctnDt><Dt>2026-11-24</Dt></ReqdExctnDt><Dbtr><Nm>Acme</Nm></Dbtr><DbtrAcct><Id><Othr><Id>1</Id></Othr></Id></DbtrAcct>` +
		`<DbtrAgt><FinInstnId><BICFI>CHASUS33</BICFI></FinInstnId></DbtrAgt><CdtTrfTxInf><PmtId><EndToEndId>E1</EndToEndId></PmtId><Amt><InstdAmt Ccy="USD">12.50</InstdAmt></Amt>` +
		`<Cdtr><Nm>Silk</Nm></Cdtr></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>`
	if !strings.Contains(doc, old) {
		t.Fatalf("the document does not hold %q", old)
	}
	return strings.Replace(doc, old, with, 1)
}

func TestWrongElementsAreNamedWithTheirPath(t *testing.T) {
	for name, c := range map[string]struct{ old, with, path, why string }{
		"unknown":           {"<Cdtr>", "<Foo/><Cdtr>", "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/Foo", "unknown element"},
		"misplaced":         {"<Cdtr><Nm>Silk</Nm></Cdtr>", "<Cdtr><Nm>Silk</Nm></Cdtr><ChrgBr>SHAR</ChrgBr>", "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/ChrgBr", "misplaced: it comes before Cdtr"},
		"repeated":          {"<MsgId>M1</MsgId>", "<MsgId>M1</MsgId><MsgId>M1</MsgId>", "/Document/CstmrCdtTrfInitn/GrpHdr/MsgId", "repeated"},
		"missing between":   {"<MsgId>M1</MsgId>", "", "/Document/CstmrCdtTrfInitn/GrpHdr/CreDtTm", "stands where MsgId is required"},
		"missing at end":    {"<InitgPty><Nm>Acme</Nm></InitgPty>", "", "/Document/CstmrCdtTrfInitn/GrpHdr", "InitgPty is missing"},
		"missing choice":    {"<Dt>2026-11-24</Dt>", "", "/Document/CstmrCdtTrfInitn/PmtInf[1]/ReqdExctnDt", "needs one of Dt, DtTm"},
		"two of a choice":   {"<Dt>2026-11-24</Dt>", "<Dt>2026-11-24</Dt><DtTm>2026-11-24T00:00:00Z</DtTm>", "/Document/CstmrCdtTrfInitn/PmtInf[1]/ReqdExctnDt/DtTm", "only one of several may be here, and Dt is"},
		"text":              {"<Cdtr>", "free<Cdtr>", "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]", "text where elements are wanted"},
		"element in text":   {">M1<", "><b/><", "/Document/CstmrCdtTrfInitn/GrpHdr/MsgId", "an element where text is wanted"},
		"empty text":        {"<MsgId>M1</MsgId>", "<MsgId/>", "/Document/CstmrCdtTrfInitn/GrpHdr/MsgId", "shorter than 1 characters"},
		"code":              {">TRF<", ">CASH<", "/Document/CstmrCdtTrfInitn/PmtInf[1]/PmtMtd", "not one of CHK, TRF, TRA"},
		"attribute":         {"<MsgId>", `<MsgId lang="en">`, "/Document/CstmrCdtTrfInitn/GrpHdr/MsgId", "unknown attribute"},
		"no currency":       {` Ccy="USD"`, "", "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/Amt/InstdAmt", "attribute Ccy is missing"},
		"wrong currency":    {`"USD"`, `"CNH"`, "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/Amt/InstdAmt", "not an ISO 4217 currency"},
		"decimals":          {"12.50<", "12.505<", "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/Amt/InstdAmt", "USD has 2 decimal places"},
		"yen have none":     {`"USD">12.50<`, `"JPY">12.50<`, "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/Amt/InstdAmt", "JPY has 0 decimal places"},
		"negative":          {"12.50<", "-12.50<", "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/Amt/InstdAmt", "negative"},
		"exponent":          {"12.50<", "1e3<", "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/Amt/InstdAmt", "want digits"},
		"too many digits":   {"12.50<", "12345678901234567.50<", "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/Amt/InstdAmt", "more than 18 digits"},
		"other namespace":   {"<Cdtr>", `<Cdtr xmlns="urn:other">`, "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/Cdtr", "is in namespace"},
		"other version":     {"pain.001.001.09", "pain.001.001.03", "/Document", "is in namespace"},
		"no namespace":      {` xmlns="` + ns + `"`, "", "/Document", "is in namespace"},
		"wrong root":        {"<Document", "<Dokument", "/Dokument", "want Document"},
		"wrong end":         {"</GrpHdr>", "</GrpHdx>", "/Document/CstmrCdtTrfInitn/GrpHdr", "not closed by its own end tag"},
		"cut off":           {"</CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>", "", "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]", "is not closed"},
		"after the end":     {"</Document>", "</Document><more/>", "/", "after the end"},
		"undeclared prefix": {"<Cdtr>", "<x:Cdtr>", "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/Cdtr", "is not declared"},
		"nil":               {"<Nm>Silk</Nm>", `<Nm xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>`, "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/Cdtr/Nm", "unknown attribute"},
		"attribute twice":   {`Ccy="USD"`, `Ccy="USD" Ccy="USD"`, "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/Amt/InstdAmt", "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := iso20022.ReadPain001(pain(t, c.old, c.with))
			var e *iso20022.Error
			if !errors.As(err, &e) || e.Path != c.path || !strings.Contains(e.Why, c.why) {
				t.Errorf("%v\nwant %s: …%s…", err, c.path, c.why)
			}
		})
	}
}

func TestXMLThatMessagesDoNotNeedIsRefused(t *testing.T) {
	for name, doc := range map[string]string{
		"empty":               "",
		"blank":               " \n",
		"text":                "hello",
		"DTD":                 `<!DOCTYPE Document [<!ENTITY a "b">]>` + pain(t, `<?xml version="1.0" encoding="UTF-8"?>`, ""),
		"external DTD":        pain(t, "?>", `?><!DOCTYPE Document SYSTEM "http://127.0.0.1/x.dtd">`),
		"entity":              pain(t, ">M1<", ">&lol;<"),
		"bare ampersand":      pain(t, ">M1<", ">a & b<"),
		"long entity":         pain(t, ">M1<", ">&"+strings.Repeat("a", 1<<16)+";<"),
		"null":                pain(t, ">M1<", ">a\x00b<"),
		"control character":   pain(t, ">M1<", ">a\x01b<"),
		"referenced control":  pain(t, ">M1<", ">a&#1;b<"),
		"referenced halves":   pain(t, ">M1<", ">&#xD83D;&#xDE00;<"),
		"too large reference": pain(t, ">M1<", ">&#x110000;<"),
		"U+FFFF":              pain(t, ">M1<", ">\uFFFF<"),
		"not UTF-8":           pain(t, ">M1<", ">\xff\xfe<"),
		"overlong UTF-8":      pain(t, ">M1<", ">\xc0\xaf<"),
		"UTF-16 mark":         "\xff\xfe<\x00D\x00",
		"Latin-1":             pain(t, "UTF-8", "ISO-8859-1"),
		"XML 1.1":             pain(t, `version="1.0"`, `version="1.1"`),
		"no version":          pain(t, `version="1.0" `, ``),
		"declaration inside":  pain(t, "<GrpHdr>", `<?xml version="1.0"?><GrpHdr>`),
		"open comment":        pain(t, "<GrpHdr>", "<!-- <GrpHdr>"),
		"double hyphen":       pain(t, "<GrpHdr>", "<!-- a -- b --><GrpHdr>"),
		"open CDATA":          pain(t, ">M1<", "><![CDATA[M1<"),
		"CDATA end in text":   pain(t, ">M1<", ">a]]>b<"),
		"CDATA as content":    pain(t, "<GrpHdr>", "<![CDATA[x]]><GrpHdr>"),
		"attribute no quotes": pain(t, `Ccy="USD"`, `Ccy=USD`),
		"attribute with <":    pain(t, `Ccy="USD"`, `Ccy="<"`),
		"attributes joined":   pain(t, `Ccy="USD"`, `Ccy="USD"a="b"`),
		"many attributes":     pain(t, "<GrpHdr", "<GrpHdr "+manyAttributes()),
		"colons":              pain(t, "<GrpHdr>", "<a:b:GrpHdr>"),
		"name in digits":      pain(t, "<GrpHdr>", "<1GrpHdr>"),
		"blank before name":   pain(t, "<GrpHdr>", "< GrpHdr>"),
		"bound xmlns":         pain(t, "<GrpHdr>", `<GrpHdr xmlns:xmlns="urn:x">`),
		"unbound prefix":      pain(t, "<GrpHdr>", `<GrpHdr xmlns:x="">`),
		"open tag":            "<Document",
		"open attribute":      `<Document xmlns="`,
		"only <":              "<",
		"only </":             "</",
		"only <!":             "<!",
		"only <?":             "<?",
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := iso20022.ReadPain001(doc); err == nil {
				t.Error("was read")
			}
		})
	}
}

func manyAttributes() string {
	var b strings.Builder
	for i := range 100 {
		b.WriteString("a" + strings.Repeat("x", i) + `="1" `)
	}
	return b.String()
}

func TestXMLThatMessagesMayHaveIsTaken(t *testing.T) {
	for name, doc := range map[string]string{
		"plain":             pain(t, "M1", "M1"),
		"byte order mark":   "\uFEFF" + pain(t, "M1", "M1"),
		"no declaration":    pain(t, `<?xml version="1.0" encoding="UTF-8"?>`, ""),
		"single quotes":     pain(t, `version="1.0" encoding="UTF-8"`, `version='1.0' encoding='utf-8' standalone='yes'`),
		"comments":          pain(t, "<GrpHdr>", "<!-- a - b --><GrpHdr><!---->"),
		"comment in text":   pain(t, ">M1<", ">M<!-- x -->1<"),
		"instruction":       pain(t, "<GrpHdr>", "<?render me?><GrpHdr>"),
		"CDATA":             pain(t, ">M1<", "><![CDATA[M]]>1<"),
		"references":        pain(t, ">M1<", ">&#77;&#x31;<"),
		"blank in end tag":  pain(t, "</GrpHdr>", "</GrpHdr >"),
		"blank in tag":      pain(t, "<GrpHdr>", "<GrpHdr\n>"),
		"blank by currency": pain(t, `<InstdAmt Ccy="USD">`, "<InstdAmt  Ccy = 'USD' >"),
		"blank by amount":   pain(t, ">12.50<", ">\n12.5 <"),
		"prefix":            strings.NewReplacer("</", "</p:", "<?", "<?", "<", "<p:", "xmlns=", "xmlns:p=").Replace(pain(t, "M1", "M1")),
		"schema location":   pain(t, "<Document", `<Document xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"`),
	} {
		t.Run(name, func(t *testing.T) {
			m, info, err := iso20022.ReadPain001(doc)
			if err != nil {
				t.Fatal(err)
			}
			if m.MessageID != "M1" || m.Payments[0].Transfers[0].Amount.String() != "12.50 USD" || len(info.Unread) != 0 {
				t.Errorf("read %+v, unread %v", m, info.Unread)
			}
		})
	}
}

func TestLineEndsAndReferencesReadAsXMLSays(t *testing.T) {
	m, _, err := iso20022.ReadPain001(pain(t, ">Silk<", ">A&amp;B&lt;&gt;&quot;&apos;\r\nC\rD&#13;E<![CDATA[&amp;<]]>钱<"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Payments[0].Transfers[0].Creditor.Name, "A&B<>\"'\nC\nD\rE&amp;<钱"; got != want {
		t.Errorf("read %q, want %q", got, want)
	}
	out, err := m.Append(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := iso20022.ReadPain001(string(out))
	if err != nil || again.Payments[0].Transfers[0].Creditor.Name != m.Payments[0].Transfers[0].Creditor.Name {
		t.Errorf("written and read again: %v\n%s", err, out)
	}
}

func TestUnreadElementsAreListedOnce(t *testing.T) {
	doc := pain(t, "<Cdtr><Nm>Silk</Nm></Cdtr>", "<Cdtr><Nm>Silk</Nm><CtctDtls><Nm>A</Nm><PhneNb>+86-571</PhneNb></CtctDtls></Cdtr>")
	_, info, err := iso20022.ReadPain001(doc)
	if err != nil || len(info.Unread) != 1 || info.Unread[0] != "/Document/CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf/Cdtr/CtctDtls" {
		t.Errorf("unread %v (%v)", info.Unread, err)
	}
}

func TestExtensionsMayHoldOneElementOfAnyKind(t *testing.T) {
	wrap := func(inner string) string {
		return pain(t, "</CdtTrfTxInf>", "<SplmtryData><Envlp>"+inner+"</Envlp></SplmtryData></CdtTrfTxInf>")
	}
	deep := strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100)
	for inner, ok := range map[string]bool{
		`<own:A xmlns:own="urn:x" own:b="c">t<B/></own:A>`: true, `<A xmlns=""/>`: true, "<A>1</A>": true,
		"": false, "text": false, "<A/><B/>": false, "<A>": false, "<x:A/>": false, `<A x:b="c"/>`: false, deep: false, "<A>&lol;</A>": false,
	} {
		if _, _, err := iso20022.ReadPain001(wrap(inner)); (err == nil) != ok {
			t.Errorf("%.60s: %v", inner, err)
		}
	}
}

// endless gives the same bytes without end.
type endless struct{ head, body string }

func (e *endless) Read(p []byte) (int, error) {
	if e.head != "" {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	return copy(p, e.body), nil
}

func TestEndlessDocumentsAreRefusedAtTheLimitOrBefore(t *testing.T) {
	for name, c := range map[string]struct {
		r    io.Reader
		most int
	}{
		"elements": {&endless{"<Document>", "<a>"}, 1 << 20},
		"blanks":   {&endless{"", " "}, 1 << 20},
		"not XML":  {&endless{"{", "1"}, 0},
		"DTD":      {&endless{"<!DOCTYPE x [", "<!ENTITY a 'b'>"}, 0},
		"zip":      {&endless{"PK\x03\x04", "\x00"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := codec.ReadAll(c.r, 1<<20)
			var e *iso20022.Error
			if !errors.As(err, &e) || e.Offset != c.most {
				t.Errorf("%v, want it refused at byte %d", err, c.most)
			}
		})
	}
	if _, err := codec.ReadAll(io.MultiReader(strings.NewReader("<a>"), broken{}), 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("broken reader: %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestSmallElementsDoNotGrowIntoMuchMemory(t *testing.T) {
	doc := pain(t, "</CdtTrfTxInf>", "<RmtInf>"+strings.Repeat("<Strd/>", 1<<20)+"</RmtInf></CdtTrfTxInf>")
	if _, _, err := iso20022.ReadPain001(doc); err == nil || !strings.Contains(err.Error(), "too many elements") {
		t.Errorf("%v", err)
	}
}

func TestEnvelopesAreTakenApart(t *testing.T) {
	head := `<AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"><a/></AppHdr>`
	body := `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"><b>x</b></Document>`
	for name, c := range map[string]struct {
		doc, head, body string
		ok              bool
	}{
		"both":             {"<E>\n" + head + "\n" + body + "</E>", head, body, true},
		"document alone":   {body, "", body, true},
		"document within":  {"<E>" + body + "</E>", "", body, true},
		"wrong order":      {"<E>" + body + head + "</E>", "", "", false},
		"two documents":    {"<E>" + body + body + "</E>", "", "", false},
		"header alone":     {"<E>" + head + "</E>", "", "", false},
		"empty":            {"<E/>", "", "", false},
		"foreign":          {"<E><x/></E>", "", "", false},
		"borrowed prefix":  {`<E xmlns:p="urn:x"><p:Document/></E>`, "", "", false},
		"text":             {"<E>x" + body + "</E>", "", "", false},
		"open":             {"<E>" + body, "", "", false},
		"unbalanced":       {`<E><Document xmlns="urn:x"><a></b></Document></E>`, "", "", false},
		"content after it": {"<E>" + body + "</E><F/>", "", "", false},
		"DTD":              {"<!DOCTYPE E><E>" + body + "</E>", "", "", false},
	} {
		h, d, err := codec.Split(c.doc)
		if (err == nil) != c.ok || h != c.head || d != c.body {
			t.Errorf("%s: %q, %q, %v", name, h, d, err)
		}
	}
}

func TestDocumentsAreIdentifiedByTheirRoot(t *testing.T) {
	for doc, want := range map[string]string{
		`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"><rest`: "pacs.008.001.08",
		`<p:Document xmlns:p="urn:iso:std:iso:20022:tech:xsd:camt.056.001.08"/>`: "camt.056.001.08",
		`<AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"/>`:       "head.001.001.02",
		`<AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"/>`:       "",
		`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.99"/>`:     "",
		`<Document xmlns="urn:swift:xsd:mt103"/>`:                                "",
		`<Document/>`: "", ``: "", `{`: "", `<!DOCTYPE a><a/>`: "",
	} {
		got, err := iso20022.Identify(doc)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", doc, got, err)
		}
	}
}
