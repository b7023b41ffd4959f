package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"qiantang.dev/rails/internal/money"
)

// clearing is the clearing system's memory: messages by MsgId.
type clearing struct {
	mu       sync.Mutex
	messages map[string]*ClearedMessage
	order    []string
}

func newClearing() *clearing { return &clearing{messages: map[string]*ClearedMessage{}} }

// ClearedMessage is one pacs.009 as the clearing system holds it. Status is an ISO 20022 transaction status: ACSC (settled), PDNG
// (not yet) or RJCT.
type ClearedMessage struct {
	MessageID    string            `json:"messageId"`
	Status       string            `json:"status"`
	ReasonCode   string            `json:"reasonCode,omitempty"`
	Reason       string            `json:"reason,omitempty"`
	Transactions []ClearedTransfer `json:"transactions"`
	Received     time.Time         `json:"received"`
	Repeated     int               `json:"repeated,omitempty"`
	Conflicts    int               `json:"conflicts,omitempty"`
	digest       [32]byte
	confirm      time.Time
}

// ClearedTransfer is one transaction of it.
type ClearedTransfer struct {
	InstructionID string `json:"instructionId"`
	EndToEndID    string `json:"endToEndId"`
	UETR          string `json:"uetr,omitempty"`
	Currency      string `json:"currency"`
	Amount        string `json:"amount"`
	ValueDate     string `json:"valueDate"`
	Debtor        string `json:"debtor"`
	Creditor      string `json:"creditor"`
}

func (c *clearing) list() []ClearedMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]ClearedMessage, 0, len(c.order))
	for _, id := range c.order {
		out = append(out, *c.messages[id])
	}
	return out
}

func (c *clearing) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages, c.order = map[string]*ClearedMessage{}, nil
}

func (s *Simulator) clearingRoutes(mux *http.ServeMux) {
	p := protocol{name: clearer, authenticate: func(*call) *reply { return nil },
		broken: func(*call) reply { return reply{status: http.StatusInternalServerError} }}
	take := s.serve(p, func(c *call) reply { return s.clear(p, c) })
	mux.HandleFunc("POST /clearing", take)
	mux.HandleFunc("POST /clearing/{rest...}", take)
	mux.HandleFunc("GET /clearing/messages/{id}", s.serve(p, s.clearingStatus))
}

const pacs009 = "urn:iso:std:iso:20022:tech:xsd:pacs.009.001.08"

type xmlAgent struct {
	BIC  string `xml:"FinInstnId>BICFI"`
	Name string `xml:"FinInstnId>Nm"`
}

func (a xmlAgent) String() string {
	if a.BIC != "" {
		return a.BIC
	}
	return a.Name
}

type xmlAmount struct {
	Currency string `xml:"Ccy,attr"`
	Value    string `xml:",chardata"`
}

type xmlPacs009 struct {
	XMLName   xml.Name
	MessageID string     `xml:"FICdtTrf>GrpHdr>MsgId"`
	Count     string     `xml:"FICdtTrf>GrpHdr>NbOfTxs"`
	Total     *xmlAmount `xml:"FICdtTrf>GrpHdr>TtlIntrBkSttlmAmt"`
	Date      string     `xml:"FICdtTrf>GrpHdr>IntrBkSttlmDt"`
	Transfers []struct {
		InstructionID string    `xml:"PmtId>InstrId"`
		EndToEndID    string    `xml:"PmtId>EndToEndId"`
		UETR          string    `xml:"PmtId>UETR"`
		Amount        xmlAmount `xml:"IntrBkSttlmAmt"`
		Date          string    `xml:"IntrBkSttlmDt"`
		Debtor        xmlAgent  `xml:"Dbtr"`
		Creditor      xmlAgent  `xml:"Cdtr"`
	} `xml:"FICdtTrf>CdtTrfTxInf"`
}

// readPacs009 checks what a clearing system checks before it settles.
func readPacs009(body []byte) (xmlPacs009, []ClearedTransfer, error) {
	var doc xmlPacs009
	dec := xml.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(&doc); err != nil {
		return doc, nil, fmt.Errorf("not XML: %w", err)
	}
	if doc.XMLName.Space != pacs009 || doc.XMLName.Local != "Document" {
		return doc, nil, fmt.Errorf("root element %s of %s: want Document of %s", doc.XMLName.Local, doc.XMLName.Space, pacs009)
	}
	if doc.MessageID == "" || len(doc.MessageID) > 35 {
		return doc, nil, fmt.Errorf("MsgId %q: want 1 to 35 characters", doc.MessageID)
	}
	if doc.Count != fmt.Sprint(len(doc.Transfers)) || len(doc.Transfers) == 0 {
		return doc, nil, fmt.Errorf("NbOfTxs %q: the message has %d", doc.Count, len(doc.Transfers))
	}
	var out []ClearedTransfer
	total, seen := map[money.Currency]money.Amount{}, map[string]bool{}
	for i, t := range doc.Transfers {
		c, err := money.ParseCurrency(t.Amount.Currency)
		if err != nil {
			return doc, nil, fmt.Errorf("CdtTrfTxInf[%d]: %w", i, err)
		}
		a, err := money.ParseAmount(strings.TrimSpace(t.Amount.Value), c)
		if err != nil || !a.IsPositive() {
			return doc, nil, fmt.Errorf("CdtTrfTxInf[%d]: IntrBkSttlmAmt %q is not a positive amount", i, t.Amount.Value)
		}
		sum, ok := total[c]
		if !ok {
			sum = money.Zero(c)
		}
		if total[c], err = sum.Add(a); err != nil {
			return doc, nil, err
		}
		date := t.Date
		if date == "" {
			date = doc.Date
		}
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			return doc, nil, fmt.Errorf("CdtTrfTxInf[%d]: IntrBkSttlmDt %q is not a date", i, date)
		}
		if seen[t.EndToEndID+"\x00"+t.InstructionID] || t.EndToEndID == "" {
			return doc, nil, fmt.Errorf("CdtTrfTxInf[%d]: EndToEndId %q is missing or repeated", i, t.EndToEndID)
		}
		seen[t.EndToEndID+"\x00"+t.InstructionID] = true
		if t.Debtor.String() == "" || t.Creditor.String() == "" || t.Debtor.String() == t.Creditor.String() {
			return doc, nil, fmt.Errorf("CdtTrfTxInf[%d]: debtor %q and creditor %q", i, t.Debtor, t.Creditor)
		}
		out = append(out, ClearedTransfer{InstructionID: t.InstructionID, EndToEndID: t.EndToEndID, UETR: t.UETR, Currency: string(c),
			Amount: a.Decimal(), ValueDate: date, Debtor: t.Debtor.String(), Creditor: t.Creditor.String()})
	}
	if doc.Total != nil {
		c := money.Currency(doc.Total.Currency)
		if want, err := money.ParseAmount(strings.TrimSpace(doc.Total.Value), c); err != nil || len(total) != 1 || total[c] != want {
			return doc, nil, fmt.Errorf("TtlIntrBkSttlmAmt %q %s is not the sum", doc.Total.Value, doc.Total.Currency)
		}
	}
	return doc, out, nil
}

// clear takes a message once. A repetition is answered as the first was; another message under the same MsgId is a conflict.
func (s *Simulator) clear(p protocol, c *call) reply {
	doc, transfers, err := readPacs009(c.body)
	if err != nil {
		return clearingAnswer(c, http.StatusUnprocessableEntity, ClearedMessage{MessageID: doc.MessageID, Status: "RJCT", ReasonCode: "FF01", Reason: err.Error()})
	}
	f, throw, digest := c.faults, s.throws.Add(1), sha256.Sum256(c.body)
	hit := func(kind string, bps int64, attempt uint64) bool {
		return bps > 0 && s.dice(clearer, kind, doc.MessageID, attempt) < bps
	}
	lost := hit("unknown", f.UnknownBps, throw)
	if lost && hit("unknown and not taken", 5000, throw) {
		return s.lost(p, c, "unknown "+doc.MessageID, throw)
	}
	m, status := s.clears.take(doc.MessageID, digest, func() *ClearedMessage {
		m := &ClearedMessage{MessageID: doc.MessageID, Status: "ACSC", Transactions: transfers, Received: c.now, digest: digest, confirm: c.now}
		if hit("refuse", f.RefuseBps, 0) {
			m.Status, m.ReasonCode, m.Reason = "RJCT", "AM23", "settlement account has insufficient funds"
		}
		if hit("late", f.LateBps, 0) {
			m.confirm = c.now.Add(f.Late.D())
		}
		return m
	})
	if lost {
		return s.lost(p, c, "unknown "+doc.MessageID, throw)
	}
	return clearingAnswer(c, status, m.at(c.now))
}

func (c *clearing) take(id string, digest [32]byte, fresh func() *ClearedMessage) (ClearedMessage, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.messages[id]
	switch {
	case !ok:
		m = fresh()
		c.messages[id] = m
		c.order = append(c.order, id)
	case m.digest != digest:
		m.Conflicts++
		return ClearedMessage{MessageID: id, Status: "RJCT", ReasonCode: "DU01", Reason: "MsgId was used with other content", Transactions: []ClearedTransfer{}},
			http.StatusConflict
	default:
		m.Repeated++
	}
	return *m, http.StatusOK
}

// at is the message as it stands at a time: pending until its confirmation.
func (m ClearedMessage) at(now time.Time) ClearedMessage {
	if now.Before(m.confirm) {
		m.Status, m.ReasonCode, m.Reason = "PDNG", "", ""
	}
	return m
}

func (s *Simulator) clearingStatus(c *call) reply {
	s.clears.mu.Lock()
	m, ok := s.clears.messages[c.PathValue("id")]
	var found ClearedMessage
	if ok {
		found = m.at(c.now)
	}
	s.clears.mu.Unlock()
	if !ok {
		return jsonReply(http.StatusNotFound, map[string]string{"code": "not-found", "messageId": c.PathValue("id")})
	}
	return clearingAnswer(c, http.StatusOK, found)
}

// clearingAnswer is JSON, or a pacs.002 where XML is asked for.
func clearingAnswer(c *call, status int, m ClearedMessage) reply {
	accept := strings.Split(c.Header.Get("Accept"), ",")
	if !slices.ContainsFunc(accept, func(a string) bool { return strings.Contains(a, "xml") }) {
		if m.Transactions == nil {
			m.Transactions = []ClearedTransfer{}
		}
		return jsonReply(status, m)
	}
	b, err := pacs002(m, c.now)
	if err != nil {
		return reply{status: http.StatusInternalServerError}
	}
	return reply{status: status, header: http.Header{"Content-Type": {"application/xml; charset=UTF-8"}}, body: b}
}

// pacs002 is the status report on a message: pacs.002.001.10.
func pacs002(m ClearedMessage, now time.Time) ([]byte, error) {
	type reason struct {
		Code string `xml:"Rsn>Cd"`
		Text string `xml:"AddtlInf,omitempty"`
	}
	type document struct {
		XMLName   xml.Name `xml:"urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10 Document"`
		MessageID string   `xml:"FIToFIPmtStsRpt>GrpHdr>MsgId"`
		Created   string   `xml:"FIToFIPmtStsRpt>GrpHdr>CreDtTm"`
		Original  string   `xml:"FIToFIPmtStsRpt>OrgnlGrpInfAndSts>OrgnlMsgId"`
		Name      string   `xml:"FIToFIPmtStsRpt>OrgnlGrpInfAndSts>OrgnlMsgNmId"`
		Status    string   `xml:"FIToFIPmtStsRpt>OrgnlGrpInfAndSts>GrpSts"`
		Reason    *reason  `xml:"FIToFIPmtStsRpt>OrgnlGrpInfAndSts>StsRsnInf"`
	}
	if m.MessageID == "" {
		return nil, errors.New("no message to report on")
	}
	sum := sha256.Sum256([]byte(m.MessageID))
	doc := document{MessageID: fmt.Sprintf("STS%x", sum[:14]), Created: now.UTC().Format(time.RFC3339), Original: m.MessageID,
		Name: "pacs.009.001.08", Status: m.Status}
	if m.ReasonCode != "" {
		text := m.Reason
		if len(text) > 105 {
			text = strings.ToValidUTF8(text[:105], "")
		}
		doc.Reason = &reason{Code: m.ReasonCode, Text: text}
	}
	b, err := xml.Marshal(doc)
	return append([]byte(xml.Header), b...), err
}
