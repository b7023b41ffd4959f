package router

import (
	"time"

	"qiantang.dev/rails/internal/router/jsonw"
	"qiantang.dev/rails/pkg/client"
)

// What every payment writes several times is written here field by field, as encoding/json would write it: the record, the payment as
// clients see it, and the request whose digest is kept. encode_test.go fills every field of the types and compares.

// encodedSize is what a payment takes in most cases.
const encodedSize = 1280

// encode is the record's body.
func (p *payment) encode() ([]byte, error) {
	w := jsonw.Writer{Buf: make([]byte, 0, encodedSize)}
	w.Open()
	w.UUID("id", p.ID)
	w.UUID("uetr", p.UETR)
	w.Text("key", p.Key)
	w.Text("corridor", p.Corridor)
	w.Int("generation", p.Generation)
	w.IntIf("names", int64(p.Names))
	w.Text("account", p.Account)
	w.TextIf("owner", p.Owner)
	w.TextIf("participant", p.Participant)
	w.TextIf("schedule", p.Schedule)
	w.TextIf("to", p.To)
	w.TextIf("toParticipant", p.ToParticipant)
	writeSum(&w, "amount", p.Amount)
	writeOrder(&w, &p.Beneficiary, p.Debtor, p.Purpose, p.Reference, p.Metadata)
	if p.ExecuteAt != nil {
		w.Time("executeAt", *p.ExecuteAt)
	}
	if p.Route != nil {
		w.Key("route")
		p.Route.encode(&w)
	}
	w.IntIf("attempt", int64(p.Attempt))
	w.IntIf("leg", int64(p.Leg))
	if len(p.Failed) > 0 {
		w.Any("failed", p.Failed)
	}
	if p.Sent {
		w.Bool("sent", true)
	}
	w.TextIf("providerRef", p.ProviderRef)
	w.TextIf("holder", p.Holder)
	w.IntIf("tries", int64(p.Tries))
	if p.Parked {
		w.Bool("parked", true)
	}
	if p.Reason != nil {
		w.Any("reason", p.Reason)
	}
	w.TextIf("window", p.Window)
	writeSumIf(&w, "refunded", p.Refunded)
	w.Time("created", p.Created)
	w.Time("updated", p.Updated)
	w.Close()
	return w.Buf, w.Err
}

func (t *taken) encode(w *jsonw.Writer) {
	w.Open()
	w.Text("provider", t.Provider)
	w.Text("rail", t.Rail)
	w.TextIf("system", t.System)
	w.TextIf("participant", t.Participant)
	w.TextIf("quote", t.QuoteID)
	w.Text("rate", t.Rate.String())
	if !t.Reference.IsZero() {
		w.Text("reference", t.Reference.String())
	}
	writeSumIf(w, "quoteSell", t.QuoteSell)
	writeSumIf(w, "quoteBuy", t.QuoteBuy)
	writeSumIf(w, "quoteFee", t.QuoteFee)
	writeSum(w, "fee", t.Fee)
	writeSum(w, "principal", t.Principal)
	writeSum(w, "received", t.Received)
	writeSum(w, "spread", t.Spread)
	w.Int("spreadBps", t.SpreadBps)
	if t.Guaranteed {
		w.Bool("guaranteed", true)
	}
	w.Time("expires", t.Expires)
	writeTimeIf(w, "arrival", t.Arrival)
	if len(t.Legs) > 0 {
		w.Any("legs", t.Legs)
	}
	w.Close()
}

// encodeWire is what json.Marshal makes of wire.
func (p *payment) encodeWire() ([]byte, error) {
	w := jsonw.Writer{Buf: make([]byte, 0, encodedSize)}
	w.Open()
	w.UUID("id", p.ID)
	w.UUID("uetr", p.UETR)
	w.Text("status", string(p.state))
	w.Text("corridor", p.Corridor)
	w.Text("account", p.Account)
	writeMoney(&w, "amount", p.Amount)
	writeOrder(&w, &p.Beneficiary, p.Debtor, p.Purpose, p.Reference, p.Metadata)
	if p.Route != nil {
		w.Key("route")
		p.Route.encodeWire(&w)
	}
	w.IntIf("attempt", int64(p.Attempt))
	if p.Reason != nil {
		w.Any("reason", p.Reason)
	}
	w.TextIf("window", p.Window)
	if !p.Refunded.IsZero() {
		writeMoney(&w, "refunded", p.Refunded)
	}
	w.TextIf("providerReference", p.ProviderRef)
	if p.ExecuteAt != nil {
		w.Time("executeAt", *p.ExecuteAt)
	}
	w.Time("created", p.Created)
	w.Time("updated", p.Updated)
	w.Close()
	return w.Buf, w.Err
}

func (t *taken) encodeWire(w *jsonw.Writer) {
	w.Open()
	w.Text("provider", t.Provider)
	w.Text("rail", t.Rail)
	w.Text("rate", t.Rate.String())
	if !t.Reference.IsZero() {
		w.Text("referenceRate", t.Reference.String())
	}
	writeMoney(w, "fee", t.Fee)
	writeMoney(w, "principal", t.Principal)
	writeMoney(w, "received", t.Received)
	writeMoney(w, "spread", t.Spread)
	w.Int("spreadBps", t.SpreadBps)
	w.Time("expires", t.Expires)
	w.Bool("guaranteed", t.Guaranteed)
	writeTimeIf(w, "arrival", t.Arrival)
	if len(t.Legs) > 0 {
		w.Any("legs", t.wireLegs())
	}
	w.Close()
}

// encodeRequest is a request as it was understood.
func encodeRequest(r *client.PaymentRequest) ([]byte, error) {
	w := jsonw.Writer{Buf: make([]byte, 0, encodedSize/2)}
	w.Open()
	w.Text("corridor", r.Corridor)
	w.Text("account", r.Account)
	w.Key("amount")
	w.Open()
	w.Text("currency", r.Amount.Currency)
	w.Text("value", r.Amount.Value)
	w.Close()
	writeOrder(&w, &r.Beneficiary, r.Debtor, r.Purpose, r.Reference, r.Metadata)
	w.TextIf("uetr", r.UETR)
	if r.ExecuteAt != nil {
		w.Time("executeAt", *r.ExecuteAt)
	}
	w.Close()
	return w.Buf, w.Err
}

// writeOrder writes what a client says of a payment beside its amount and account.
func writeOrder(w *jsonw.Writer, beneficiary, debtor *client.Party, purpose, reference string, metadata map[string]string) {
	writeParty(w, "beneficiary", beneficiary)
	if debtor != nil {
		writeParty(w, "debtor", debtor)
	}
	w.TextIf("purpose", purpose)
	w.TextIf("reference", reference)
	if len(metadata) > 0 {
		w.Any("metadata", metadata)
	}
}

func writeParty(w *jsonw.Writer, name string, p *client.Party) {
	w.Key(name)
	w.Open()
	w.Text("name", p.Name)
	w.Text("country", p.Country)
	w.Text("account", p.Account)
	w.TextIf("agentBic", p.AgentBIC)
	w.TextIf("cnaps", p.CNAPS)
	w.TextIf("town", p.Town)
	w.TextIf("street", p.Street)
	w.TextIf("postCode", p.PostCode)
	w.Close()
}

// writeSum writes a sum as its MarshalText does.
func writeSum(w *jsonw.Writer, name string, s sum) {
	w.Key(name)
	w.Buf = append(w.Buf, '"')
	if !s.IsZero() {
		w.Buf = append(s.AppendDecimal(w.Buf), ' ')
		w.Buf = append(w.Buf, s.Currency()...)
	}
	w.Buf = append(w.Buf, '"')
}

func writeSumIf(w *jsonw.Writer, name string, s sum) {
	if !s.IsZero() {
		writeSum(w, name, s)
	}
}

// writeMoney writes a sum as clients see it.
func writeMoney(w *jsonw.Writer, name string, s sum) {
	w.Key(name)
	w.Buf = append(w.Buf, `{"currency":"`...)
	w.Buf = append(w.Buf, s.Currency()...)
	w.Buf = append(w.Buf, `","value":"`...)
	w.Buf = append(s.AppendDecimal(w.Buf), '"', '}')
}

func writeTimeIf(w *jsonw.Writer, name string, t time.Time) {
	if !t.IsZero() {
		w.Time(name, t)
	}
}
