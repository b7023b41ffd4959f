package camt053

import (
	"bufio"
	"fmt"
	"io"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/codec"
	"qiantang.dev/rails/internal/money"
)

// Header is what stands before the entries of a statement.
type Header struct {
	// MessageID, StatementID: at most 35 characters. Created: an ISO 20022 moment.
	MessageID, StatementID, Created string
	// Sequence numbers the account's statements; empty: not numbered.
	Sequence string
	// From and To bound the statement: moments, both or none.
	From, To string
	Account  iso20022.Account
	Owner    *iso20022.Party
	Servicer *iso20022.Agent
	// Opening and Closing are the booked balances, negative for an overdrawn account, on their days.
	Opening, Closing       money.Amount
	OpeningDay, ClosingDay string
}

// Entry is one booking on the account.
type Entry struct {
	// Reference of ours to the entry; at most 35 characters; empty for none.
	Reference string
	// Amount is positive for a credit to the account, negative for a debit, never zero.
	Amount money.Amount
	// Reversal marks an entry that takes another one back.
	Reversal bool
	// Booked and Value are days, or moments where they have a time.
	Booked, Value string
	// ServicerRef is the bank's reference.
	ServicerRef string
	// Domain, Family and SubFamily are a bank transaction code of ISO 20022, such as PMNT, ICDT, XBCT; or else Proprietary is given.
	Domain, Family, SubFamily string
	Proprietary               string
	// Of the transaction behind the entry, where there is one.
	InstructionID, EndToEndID, UETR, TransactionID string
	// Remittance and Additional are free text of at most 140 and 500 characters.
	Remittance, Additional string
}

// Writer writes one statement. After an error it writes no more.
type Writer struct {
	w       *bufio.Writer
	buf     []byte
	running money.Amount
	closing money.Amount
	count   int
	err     error
}

// NewWriter begins a statement on w. Errors are *iso20022.Error, money's, or w's own.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	if h.Opening.Currency() != h.Closing.Currency() {
		return nil, fmt.Errorf("statement: %w", &money.CurrencyMismatchError{Want: h.Opening.Currency(), Got: h.Closing.Currency()})
	}
	s := &Writer{w: bufio.NewWriterSize(w, 64<<10), running: h.Opening, closing: h.Closing}
	if h.Account.Currency == "" {
		h.Account.Currency = h.Opening.Currency()
	}
	group := groupHeader{MessageID: h.MessageID, Created: h.Created}
	head := statementHead{
		ID: h.StatementID, Sequence: h.Sequence, Created: h.Created, From: h.From, To: h.To,
		Account:  statementAccount{Account: accountID(h.Account), Currency: h.Account.Currency, Name: h.Account.Name, Owner: h.Owner, Servicer: h.Servicer},
		Balances: []balance{newBalance("OPBD", h.Opening, h.OpeningDay), newBalance("CLBD", h.Closing, h.ClosingDay)},
	}
	s.text(codec.Open(iso20022.IDCamt053, "Document") + "\n<BkToCstmrStmt>\n")
	part(s, groups, &group)
	s.text("\n<Stmt>\n")
	inner(s, heads, &head)
	s.text("\n")
	return s, s.err
}

// Entry writes one entry.
func (s *Writer) Entry(e Entry) error {
	if s.err != nil {
		return s.err
	}
	s.count++
	switch {
	case e.Amount.IsZero():
		return s.stop(fmt.Errorf("entry %d: an amount of zero", s.count))
	case e.Booked == "" || e.Value == "":
		return s.stop(fmt.Errorf("entry %d: booked %q, value %q: both days are needed", s.count, e.Booked, e.Value))
	}
	sum, err := s.running.Add(e.Amount)
	if err != nil {
		return s.stop(fmt.Errorf("entry %d: %w", s.count, err))
	}
	s.running = sum
	x := newEntry(e)
	part(s, entries, &x)
	s.text("\n")
	return s.err
}

// Close ends the statement and flushes it. It returns an error where the entries do not lead to the closing balance.
func (s *Writer) Close() error {
	if s.err != nil {
		return s.err
	}
	if s.running != s.closing {
		return s.stop(fmt.Errorf("statement: its %d entries lead to %s, its closing balance is %s", s.count, s.running, s.closing))
	}
	s.text("</Stmt>\n</BkToCstmrStmt>\n</Document>\n")
	if s.err != nil {
		return s.err
	}
	if err := s.w.Flush(); err != nil {
		return s.stop(err)
	}
	s.err = fmt.Errorf("statement: closed")
	return nil
}

func (s *Writer) stop(err error) error {
	s.err = err
	return err
}

func (s *Writer) text(t string) {
	if s.err == nil {
		_, s.err = s.w.WriteString(t)
	}
}

// part writes an element, inner only what is within it.
func part[T any](s *Writer, c *codec.Codec[T], v *T) { s.write(c.AppendFragment(s.buf[:0], v)) }

func inner[T any](s *Writer, c *codec.Codec[T], v *T) { s.write(c.AppendInner(s.buf[:0], v)) }

func (s *Writer) write(b []byte, err error) {
	if s.err != nil {
		return
	}
	if s.err = err; err == nil {
		s.buf = b
		_, s.err = s.w.Write(b)
	}
}
