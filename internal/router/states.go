package router

import (
	"fmt"
	"strings"

	"qiantang.dev/rails/pkg/client"
)

// State is where a payment stands.
type State = client.Status

// Event moves a payment from one State to the next.
type Event string

// The events of a payment's life.
const (
	Accept   Event = "accept"
	Hold     Event = "hold"
	Refuse   Event = "refuse"
	Dispatch Event = "dispatch"
	Cancel   Event = "cancel"
	Defer    Event = "defer"
	Reroute  Event = "reroute"
	Wait     Event = "wait"
	Doubt    Event = "doubt"
	Resend   Event = "resend"
	Exchange Event = "exchange"
	Retreat  Event = "retreat"
	Confirm  Event = "confirm"
	Fail     Event = "fail"
	Settle   Event = "settle"
	Return   Event = "return"
	Refund   Event = "refund"
)

// received is where a payment stands before anything is durable.
const received State = "received"

// Transition is one permitted step, and the bookings made in its commit.
type Transition struct {
	From  State
	Event Event
	To    State
	Books Booking
	// When says, for people, what brings it about.
	When string
}

// Booking names the ledger entries of a Transition.
type Booking string

// The bookings; booking.go makes their entries.
const (
	BookNothing  Booking = ""
	BookReserve  Booking = "reserve"
	BookVoid     Booking = "void"
	BookExchange Booking = "exchange"
	BookCarry    Booking = "carry"
	BookPaid     Booking = "paid"
	BookReturn   Booking = "return"
	BookRefund   Booking = "refund"
)

// Transitions is a payment's whole life. Nothing else moves a payment, and nothing else documents it.
var Transitions = []Transition{
	{received, Accept, client.Instructing, BookReserve, "valid, a route chosen and its rate locked; the instruction's ID is durable"},
	{received, Hold, client.Accepted, BookReserve, "valid, but not to be executed yet, or every rail that would do is closed"},
	{received, Refuse, client.Rejected, BookNothing, "valid, but a rule, the balance or the lack of a route forbids it"},

	{client.Accepted, Dispatch, client.Instructing, BookNothing, "its time has come and a route is chosen; the instruction's ID is durable"},
	{client.Accepted, Cancel, client.Cancelled, BookVoid, "the client takes it back; nothing was sent"},
	{client.Accepted, Fail, client.Rejected, BookVoid, "no route was found for too long, or a rule forbids it now"},

	{client.Instructing, Defer, client.Accepted, BookNothing, "nothing was sent, and no other route is open now"},
	{client.Instructing, Reroute, client.Instructing, BookNothing, "the provider refused for good, or was never reached; another route is tried under a new ID"},
	{client.Instructing, Wait, client.Pending, BookNothing, "the provider has taken it"},
	{client.Instructing, Doubt, client.Uncertain, BookNothing, "no word, or no clear one: it may have been taken"},
	{client.Instructing, Confirm, client.Paid, BookPaid, "the provider paid"},
	{client.Instructing, Fail, client.Rejected, BookVoid, "the provider refused for good, and there is no other route"},

	{client.Pending, Doubt, client.Uncertain, BookNothing, "the provider's word is no longer clear"},
	{client.Pending, Reroute, client.Instructing, BookNothing, "the provider failed it for good; another route is tried under a new ID"},
	{client.Pending, Confirm, client.Paid, BookPaid, "the provider paid"},
	{client.Pending, Fail, client.Rejected, BookVoid, "the provider failed it for good, and there is no other route"},

	{client.Uncertain, Wait, client.Pending, BookNothing, "the provider has it after all"},
	{client.Uncertain, Resend, client.Instructing, BookNothing, "the provider never had it; it is sent again under the same ID"},
	{client.Uncertain, Reroute, client.Instructing, BookNothing, "the provider failed it for good; another route is tried under a new ID"},
	{client.Uncertain, Confirm, client.Paid, BookPaid, "the provider paid"},
	{client.Uncertain, Fail, client.Rejected, BookVoid, "the provider failed it for good, and there is no other route"},

	{client.Instructing, Exchange, client.Exchanged, BookExchange, "the first of two legs is done: the money is in the currency between"},
	{client.Pending, Exchange, client.Exchanged, BookExchange, "the same"},
	{client.Uncertain, Exchange, client.Exchanged, BookExchange, "the same"},
	{client.Exchanged, Dispatch, client.Instructing, BookNothing, "the last leg: its lock still holds, or another provider's does; the instruction's ID is durable"},
	{client.Exchanged, Fail, client.Rejected, BookCarry, "nobody pays out the money between within the corridor's bounds: the customer gets all back, and the institution has the exchange"},
	{client.Instructing, Retreat, client.Exchanged, BookNothing, "the last leg was refused for good, or never reached its provider; the money stays in the currency between"},
	{client.Pending, Retreat, client.Exchanged, BookNothing, "the provider failed the last leg for good"},
	{client.Uncertain, Retreat, client.Exchanged, BookNothing, "the same"},

	{client.Paid, Settle, client.Settled, BookNothing, "its window's instructions are settled (shown, not rewritten)"},
	{client.Paid, Refund, client.Paid, BookRefund, "part of it is given back"},
	{client.Settled, Refund, client.Settled, BookRefund, "part of it is given back after settlement"},
	{client.Paid, Return, client.Returned, BookReturn, "the beneficiary's side sent the money back, or the last part is refunded"},
	{client.Settled, Return, client.Returned, BookReturn, "the same after settlement"},
}

type step struct {
	from  State
	event Event
}

var table = func() map[step]Transition {
	m := make(map[step]Transition, len(Transitions))
	for _, t := range Transitions {
		m[step{t.From, t.Event}] = t
	}
	return m
}()

// TransitionError says that an event is not permitted where the payment stands.
type TransitionError struct {
	State State
	Event Event
}

func (e *TransitionError) Error() string {
	return fmt.Sprintf("payment in state %q does not take event %q", string(e.State), string(e.Event))
}

// Next is the transition that event brings about from state; a TransitionError where there is none.
func Next(state State, event Event) (Transition, error) {
	t, ok := table[step{state, event}]
	if !ok {
		return Transition{}, &TransitionError{State: state, Event: event}
	}
	return t, nil
}

// next is Next for a payment that may have a leg done: what would forget that is not permitted.
func (p *payment) next(event Event) (Transition, error) {
	ok := true
	switch event {
	case Exchange:
		ok = p.exchanging()
	case Confirm:
		ok = !p.exchanging()
	case Retreat:
		ok = p.exchanged()
	case Defer, Reroute, Cancel:
		ok = !p.exchanged()
	case Fail:
		ok = !p.exchanged() || p.state == client.Exchanged
	}
	if !ok {
		return Transition{}, &TransitionError{State: p.state, Event: event}
	}
	return Next(p.state, event)
}

// working says in which states there is work to do: the record has a Due, and a corridor is not drained.
func working(s State) bool {
	switch s {
	case client.Accepted, client.Instructing, client.Exchanged, client.Pending, client.Uncertain:
		return true
	}
	return false
}

// Diagram is the table as a Mermaid state diagram.
func Diagram() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	left := map[State]bool{}
	for _, t := range Transitions {
		from := string(t.From)
		if t.From == received {
			from = "[*]"
		}
		left[t.From] = true
		fmt.Fprintf(&b, "    %s --> %s: %s\n", from, t.To, t.Event)
	}
	seen := map[State]bool{}
	for _, t := range Transitions {
		if !left[t.To] && !seen[t.To] {
			seen[t.To] = true
			fmt.Fprintf(&b, "    %s --> [*]\n", t.To)
		}
	}
	return b.String()
}

// Table is the table in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| from | event | to | books | when |\n|---|---|---|---|---|\n")
	for _, t := range Transitions {
		books := string(t.Books)
		if books == "" {
			books = "–"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", t.From, t.Event, t.To, books, t.When)
	}
	return b.String()
}
