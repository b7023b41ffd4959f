package isomsg

import (
	"errors"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/pkg/client"
)

const iso = "urn:iso:std:iso:20022:tech:xsd:"

func TestAnEnvelopeIsTakenOffAndPutOnAgain(t *testing.T) {
	m := &iso20022.Pacs002{MessageID: "M-1", Created: "2026-11-23T09:00:00+00:00"}
	sealed, err := Seal(Head(iso20022.IDPacs002, "M-1", m.Created, "AAAAUS33", "BBBBUS33", &iso20022.Header{
		From: iso20022.HeaderParty{Institution: agent("BBBBUS33")}, To: iso20022.HeaderParty{Institution: agent("AAAAUS33")},
		MessageID: "Q-1", Definition: iso20022.IDPacs008, Created: m.Created,
	}), m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Open(string(sealed))
	if err != nil {
		t.Fatalf("%v in\n%s", err, sealed)
	}
	if got.Definition != iso20022.IDPacs002 || got.Header.MessageID != "M-1" || got.Header.Related[0].MessageID != "Q-1" {
		t.Errorf("%+v", got)
	}
	if _, err := Seal(Head("", "", "", "", "", nil), m); err == nil {
		t.Error("a header without its message's name was written")
	}
	if _, err := Seal(nil, &iso20022.Pacs002{}); err == nil {
		t.Error("a message without its name was written")
	}
}

func TestErrorsWithinAnEnvelopeAreAtTheirPlaceInTheWhole(t *testing.T) {
	head := `<AppHdr xmlns="` + iso + `head.001.001.02"><Fr/></AppHdr>`
	for doc, mark := range map[string]string{
		`<Envelope xmlns="urn:swift:xsd:envelope">` + head + `<Document xmlns="` + iso + `pacs.008.001.08"/></Envelope>`:                                           "<Fr/>",
		`<Envelope xmlns="urn:swift:xsd:envelope">` + strings.Replace(validHead, "X-1", "X-2", 1) + `<Document xmlns="` + iso + `pacs.999"></Document></Envelope>`: "<Document",
	} {
		_, err := Open(doc)
		var at *iso20022.Error
		if !errors.As(err, &at) || at.Offset < strings.Index(doc, mark) {
			t.Errorf("%v (%+v): want it at %d or behind", err, at, strings.Index(doc, mark))
		}
	}
}

const validHead = `<AppHdr xmlns="` + iso + `head.001.001.02"><Fr><FIId><FinInstnId><BICFI>AAAAUS33</BICFI></FinInstnId></FIId></Fr>` +
	`<To><FIId><FinInstnId><BICFI>BBBBUS33</BICFI></FinInstnId></FIId></To><BizMsgIdr>X-1</BizMsgIdr><MsgDefIdr>pacs.008.001.08</MsgDefIdr><CreDt>2026-11-23T09:00:00Z</CreDt></AppHdr>`

func TestBICsOfTheHeadOfficeAreOne(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"AAAAUS33", "AAAAUS33XXX", true}, {"AAAAUS33XXX", "AAAAUS33XXX", true}, {"AAAAUS33ABC", "AAAAUS33", false},
		{"AAAAUS33", "BBBBUS33", false}, {"", "", false}, {"AAAAUXXX", "AAAAU", false},
	} {
		if SameBIC(c.a, c.b) != c.same {
			t.Errorf("%s, %s: want %v", c.a, c.b, c.same)
		}
	}
}

func TestRatesFitTheirElement(t *testing.T) {
	for in, want := range map[string]string{
		"6.818499316": "6.818499316", "0.123456789012": "0.123456789", "1.00000000005": "1", "25413.1234567": "25413.123457", "12345678901.5": "12345678902", "7": "7",
	} {
		got, err := exchangeRate(in)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", in, got, err, want)
		}
		if digits := len(strings.ReplaceAll(got, ".", "")); digits > 11 {
			t.Errorf("%s: %s has %d digits", in, got, digits)
		}
	}
	if _, err := exchangeRate("x"); err == nil {
		t.Error("x is no rate")
	}
}

func TestReasonsFitTheirElement(t *testing.T) {
	r := Reasons("NARR", "a \"b\"; c_d 钱\n"+strings.Repeat("x", 1000))[0]
	if len(r.Additional) != 4 || !strings.HasPrefix(r.Additional[0], "a 'b', c-d ??x") {
		t.Errorf("%q", r.Additional)
	}
	for _, a := range r.Additional {
		if len(a) > 105 {
			t.Errorf("%d characters", len(a))
		}
	}
	for id, ok := range map[string]bool{"INV/1-2": true, "": false, "a b": true, " a": false, "钱": false, strings.Repeat("x", 36): false, "a_b": false} {
		if plain(id) != ok {
			t.Errorf("%q: want %v", id, ok)
		}
	}
}

func TestAPartysCountryIsFoundWhereverItIs(t *testing.T) {
	for want, got := range map[string]client.Party{
		"CN": Party(&iso20022.Party{Name: "a", Address: &iso20022.Address{Country: "CN"}}, nil, agent("AAAAUS33")),
		"FR": Party(&iso20022.Party{Name: "a", CountryResidence: "FR"}, nil, agent("AAAAUS33")),
		"US": Party(&iso20022.Party{Organisation: &iso20022.OrganisationID{AnyBIC: "AAAAUS33"}}, nil, agent("AAAAUS33")),
		"DE": Party(&iso20022.Party{Name: "a"}, &iso20022.Account{IBAN: "DE89370400440532013000"}, nil),
		"":   Party(&iso20022.Party{Name: "a"}, &iso20022.Account{Other: "1"}, nil),
	} {
		if got.Country != want || got.Name == "" {
			t.Errorf("%+v: want %q", got, want)
		}
	}
}

func TestEveryStateHasAnExternalStatus(t *testing.T) {
	for state, want := range map[client.Status]string{
		client.Accepted: "ACCP", client.Instructing: "ACSP", client.Pending: "ACSP", client.Uncertain: "ACSP", client.Exchanged: "ACSP",
		client.Paid: "ACSC", client.Settled: "ACSC", client.Returned: "ACSC", client.Cancelled: "CANC", client.Rejected: "RJCT",
	} {
		s := StatusOf(&client.Payment{Status: state})
		if s.Code != want || (want == "RJCT" || want == "CANC") != (len(s.Reasons) == 1) {
			t.Errorf("%s: %+v, want %s", state, s, want)
		}
	}
}

func TestWhatIsWrittenIsHeldToCBPR(t *testing.T) {
	for name, write := range map[string]func() error{
		"pacs.002": func() error { _, err := (&Report{At: time.Now()}).Pacs002(); return err },
		"pacs.004": func() error {
			_, err := (&Return{Of: &iso20022.Pacs008{Transfers: make([]iso20022.CustomerTransfer, 1)}}).Pacs004()
			return err
		},
		"camt.029": func() error {
			_, err := (&Resolution{}).Camt029(&iso20022.Camt056{Underlying: []iso20022.Cancellations{{Transfers: make([]iso20022.Cancellation, 1)}}})
			return err
		},
		"pacs.008": func() error {
			_, err := (&Instruction{Payment: &client.Payment{Status: client.Rejected}}).Pacs008()
			return err
		},
		"a rate": func() error {
			m := client.Money{Currency: "USD", Value: "1.00"}
			_, err := (&Instruction{Payment: &client.Payment{Amount: m, Route: &client.Route{Received: client.Money{Currency: "CNY", Value: "7.00"}, Fee: m, Rate: "none"}}}).Pacs008()
			return err
		},
	} {
		var why *UnwritableError
		if err := write(); !errors.As(err, &why) || why.Where == "" || why.What == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
