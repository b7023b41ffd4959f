package settle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
)

// net fixes a closed window's positions and instructions.
func (s *Settler) net(ctx context.Context, rec ledger.Record, b windowBody) (*ledger.Record, error) {
	pos, count, err := positions(ctx, s.opt.Ledger, rec.Key)
	if err != nil {
		return nil, err
	}
	payments, err := s.payments(ctx, rec, &b, pos)
	if err != nil {
		return nil, err
	}
	if err := CheckPayments(pos, payments); err != nil {
		return nil, fmt.Errorf("window %q: %w", rec.Key, err)
	}
	sums, err := Turnovers(pos, payments)
	if err != nil {
		return nil, fmt.Errorf("window %q: %w", rec.Key, err)
	}
	g := s.regime.Load()
	b.Self, b.Parties, b.Payments = g.self, involved(payments, g.parties), count
	if self, ok := g.parties[g.self]; ok {
		b.Parties[g.self] = self
	}
	b.Currencies = nil
	for _, t := range sums {
		b.Currencies = append(b.Currencies, plan.CurrencySum{
			Currency: string(t.Gross.Currency()), Gross: t.Gross.Decimal(), Net: t.Net.Decimal(), EfficiencyBps: t.EfficiencyBps,
		})
	}
	if b.Messages, err = compose(b.Institution+"/"+b.Region, rec.Key, b.CutOff, payments, b.Terms.Model != ModelGross); err != nil {
		return nil, err
	}
	b.Breaks = checkParties(pos, payments, g.parties)
	// What cannot be written must not be fixed: a participant with a malformed BIC is mended in the plan, and the window goes on.
	for i := range b.Messages {
		if _, _, err := documents(rec.Key, &b, &b.Messages[i], payments); err != nil {
			return nil, err
		}
	}
	due := s.now()
	if due.Before(b.Terms.InstructAt) {
		due = b.Terms.InstructAt
	}
	return s.commit(ctx, rec, &b, StateNetted, due, ledger.Commit{})
}

// payments are what settles the window by its model. The same window always gives the same.
func (s *Settler) payments(ctx context.Context, rec ledger.Record, b *windowBody, pos []Position) ([]Payment, error) {
	if b.Terms.Model == ModelMultilateral {
		return Multilateral(pos)
	}
	owed, err := obligations(ctx, s.opt.Ledger, rec.Key, rec.Created, pos)
	if err != nil {
		return nil, err
	}
	if b.Terms.Model == ModelBilateral {
		return Bilateral(owed)
	}
	return Gross(owed), nil
}

// gross reads the payments of a gross window again, and nothing for the net models, whose messages hold theirs.
func (s *Settler) gross(ctx context.Context, rec ledger.Record, b *windowBody) ([]Payment, error) {
	if b.Terms.Model != ModelGross || len(b.Messages) == 0 {
		return nil, nil
	}
	pos, _, err := positions(ctx, s.opt.Ledger, rec.Key)
	if err != nil {
		return nil, err
	}
	return s.payments(ctx, rec, b, pos)
}

// write puts every instruction into its file. Files that are there already are written again with the same content.
func (s *Settler) write(ctx context.Context, rec ledger.Record, b windowBody) (*ledger.Record, error) {
	gross, err := s.gross(ctx, rec, &b)
	if err != nil {
		return nil, err
	}
	folder := b.Terms.Delivery.Directory
	if folder == "" {
		folder = b.Schedule
	}
	folder = path.Join(folder, b.Closed.Format("2006-01-02"))
	for i := range b.Messages {
		m := &b.Messages[i]
		m.File = path.Join(folder, m.ID+".pacs.009.001.08.xml")
		if _, err := s.writeFiles(rec.Key, &b, m, gross); err != nil {
			return nil, err
		}
		m.Status = StatusWritten
	}
	return s.commit(ctx, rec, &b, StateInstructed, s.now(), ledger.Commit{})
}

// writeFiles writes a message's pacs.009, which it returns, and its header beside it.
func (s *Settler) writeFiles(window string, b *windowBody, m *message, gross []Payment) ([]byte, error) {
	document, header, err := documents(window, b, m, gross)
	if err != nil {
		return nil, err
	}
	if err := s.files.write(path.Join(path.Dir(m.File), m.ID+".head.001.001.02.xml"), header); err != nil {
		return nil, err
	}
	return document, s.files.write(m.File, document)
}

// reader gives a window's messages as they were written. A file that is not here, because another settler wrote it or because the volume it
// was on is gone, is written again: the window's record and the books give the same.
func (s *Settler) reader(ctx context.Context, rec ledger.Record, b *windowBody) func(*message) ([]byte, error) {
	gross := sync.OnceValues(func() ([]Payment, error) { return s.gross(ctx, rec, b) })
	return func(m *message) ([]byte, error) {
		document, err := s.files.read(path.Clean(m.File))
		if !errors.Is(err, fs.ErrNotExist) {
			return document, err
		}
		all, err := gross()
		if err != nil {
			return nil, err
		}
		return s.writeFiles(rec.Key, b, m, all)
	}
}

// documents are a message's pacs.009 and header as they are written.
func documents(window string, b *windowBody, m *message, gross []Payment) (document, header []byte, err error) {
	payments, err := m.payments(gross)
	if err != nil {
		return nil, nil, err
	}
	doc, head, err := build(window, b, m, payments)
	if err != nil {
		return nil, nil, err
	}
	return render(doc, head)
}
