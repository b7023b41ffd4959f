package settle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

// followEvery is how long a message that was taken but not answered for good is left before it is asked about again.
const followEvery = 2 * time.Second

// deliver hands the instructions over, asks what became of them, and settles the window when all are final.
func (s *Settler) deliver(ctx context.Context, rec ledger.Record, b windowBody) (*ledger.Record, error) {
	changed, waiting, failed := false, false, error(nil)
	read := s.reader(ctx, rec, &b)
	for i := range b.Messages {
		m := &b.Messages[i]
		if m.final() {
			continue
		}
		was := m.Status
		if err := s.hand(ctx, &b, m, read); err != nil {
			failed = errors.Join(failed, err)
		}
		changed = changed || m.Status != was
		waiting = waiting || !m.final()
	}
	if waiting {
		return s.wait(ctx, rec, b, changed, failed)
	}
	return s.settle(ctx, rec, b)
}

// hand takes one message a step further.
func (s *Settler) hand(ctx context.Context, b *windowBody, m *message, read func(*message) ([]byte, error)) error {
	if b.Terms.Delivery.Endpoint == "" {
		// The file is the delivery: whoever owns the directory takes it from there, and no answer comes back.
		m.Status = StatusAccepted
		return nil
	}
	c := clearing{client: s.opt.Client, endpoint: b.Terms.Delivery.Endpoint}
	var a answer
	var err error
	known := m.Status == StatusDelivered
	if known {
		if a, known, err = c.ask(ctx, m); err != nil {
			return err
		}
	}
	if !known {
		document, err := read(m)
		if err != nil {
			return err
		}
		if a, err = c.send(ctx, m, document); err != nil {
			return err
		}
	}
	switch a.status {
	case "":
		m.Status = StatusDelivered
	default:
		m.Status, m.Rejected, m.Reason = a.status, a.rejected, a.reason
		s.metrics.instructions.WithLabelValues(a.status).Inc()
	}
	return nil
}

// wait notes how far delivery came and when to go on. Waiting for answers alone writes nothing but the time.
func (s *Settler) wait(ctx context.Context, rec ledger.Record, b windowBody, changed bool, failed error) (*ledger.Record, error) {
	due := s.opt.Clock().Add(followEvery)
	switch {
	case failed != nil:
		s.metrics.failures.WithLabelValues(rec.State).Inc()
		b.Attempts++
		b.Trouble = failed.Error()
		due = s.opt.Clock().Add(backoff(b.Attempts))
	case changed:
		b.Attempts, b.Trouble = 0, ""
	default:
		b.Trouble = ""
	}
	return s.commit(ctx, rec, &b, StateInstructed, due, ledger.Commit{})
}

// settle books what was accepted and makes the window final, in one commit. It is the only place where settlement is booked.
func (s *Settler) settle(ctx context.Context, rec ledger.Record, b windowBody) (*ledger.Record, error) {
	gross, err := s.gross(ctx, rec, &b)
	if err != nil {
		return nil, err
	}
	state := StateSettled
	var settled []Payment
	for i := range b.Messages {
		m := &b.Messages[i]
		payments, err := m.payments(gross)
		if err != nil {
			return nil, err
		}
		if m.Status == StatusRejected {
			state = StateFailed
			b.Breaks = append(b.Breaks, fmt.Sprintf("instruction %s of %s for %s %s was rejected%s: %s",
				m.ID, m.Payer, m.Amount, m.Currency, partly(m), m.Reason))
		}
		settled = append(settled, accepted(m, payments)...)
	}
	transfers, err := bookings(rec.Key, &b, settled)
	if err != nil {
		return nil, err
	}
	now := s.now()
	b.Completed = &now
	next, err := s.commit(ctx, rec, &b, state, time.Time{}, ledger.Commit{Transfers: transfers})
	if err == nil {
		s.metrics.runs.WithLabelValues(b.Schedule, state).Inc()
		s.opt.Log.Info("window "+state, "window", rec.Key, "run", b.Run, "payments", b.Payments, "instructions", len(b.Messages))
	}
	return next, err
}

func partly(m *message) string {
	if len(m.Rejected) == 0 {
		return ""
	}
	return fmt.Sprintf(" in %d of %d transfers", len(m.Rejected), m.Count)
}

// accepted are the payments of a final message that were settled.
func accepted(m *message, payments []Payment) []Payment {
	switch {
	case m.Status == StatusAccepted:
		return payments
	case len(m.Rejected) == 0:
		return nil
	}
	refused := map[int]bool{}
	for _, i := range m.Rejected {
		refused[i] = true
	}
	var all []Payment
	for i, p := range payments {
		if !refused[i] {
			all = append(all, p)
		}
	}
	return all
}

// bookings bring the settlement accounts back by what was settled: per payer, payee and currency one transfer the other way. Their
// IDs follow from the window, so that they can be booked once only. They count in no window.
func bookings(window string, b *windowBody, settled []Payment) ([]ledger.Transfer, error) {
	type pair struct {
		payer, payee string
		c            money.Currency
	}
	sums, order := map[pair]money.Amount{}, []pair{}
	for _, p := range settled {
		k := pair{p.Payer, p.Payee, p.Amount.Currency()}
		old, ok := sums[k]
		if !ok {
			old, order = money.Zero(k.c), append(order, k)
		}
		sum, err := old.Add(p.Amount)
		if err != nil {
			return nil, fmt.Errorf("booking of window %q: %w", window, err)
		}
		sums[k] = sum
	}
	value, err := day(b.Terms.ValueDate)
	if err != nil {
		return nil, fmt.Errorf("value date of window %q: %w", window, err)
	}
	transfers := make([]ledger.Transfer, len(order))
	for i, k := range order {
		transfers[i] = ledger.Transfer{
			ID: bookingID(window, k.payer, k.payee, string(k.c)), Kind: ledger.Immediate,
			Debit: AccountID(k.payee, k.c), Credit: AccountID(k.payer, k.c), Amount: sums[k],
			ValueDate: value, Code: "settlement", Reference: Reference(b.Run),
		}
	}
	return transfers, nil
}
