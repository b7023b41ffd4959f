package engine

import (
	"context"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

// sweepLimit bounds the reserves that one batch expires.
const sweepLimit = 1000

// expirySpace makes the ID of an expiry from the reserve's: whoever books it, it is the same transfer.
var expirySpace = uuid.MustParse("6b1f1f0e-5a0e-4d57-9a51-0d3a2f1c7e90")

// sweep books the expiry of reserves whose time is over. It reads without holding the head first, so that idle ledgers write nothing.
// What fails is tried again at the next sweep.
func (e *Engine) sweep() {
	ctx, cancel := context.WithTimeout(context.Background(), e.opt.MaxWait)
	defer cancel()
	now := e.opt.Clock().UnixMicro()
	due, err := e.store.DueReserves(ctx, e.state.head.Swept, now)
	if err != nil || !due {
		return
	}
	e.pending = e.pending[:0]
	_, _ = e.attempts(ctx, nil, func(mode) (work, error) { return e.expire(now), nil })
}

func (e *Engine) expire(now int64) work {
	var due []LoadedTransfer
	w := work{}
	swept := new(int64)
	w.prepare = func(ctx context.Context, tx Tx) error {
		var err error
		if due, err = tx.Expiring(ctx, tx.Head().Swept, now, sweepLimit); err != nil {
			return err
		}
		*swept = now
		if len(due) == sweepLimit {
			*swept = due[len(due)-1].Expires.UnixMicro() - 1
		}
		var need Need
		for i := range due {
			e.state.take(Loaded{Transfers: due[i : i+1]})
			for _, id := range [2]string{due[i].Debit, due[i].Credit} {
				if e.state.accounts[id] == nil {
					need.Accounts = append(need.Accounts, id)
				}
			}
		}
		if need.empty() {
			return nil
		}
		loaded, err := tx.Load(ctx, need)
		if err == nil {
			e.state.take(loaded)
		}
		return err
	}
	w.plan = func(p *plan) ([]result, error) {
		for i := range due {
			p.expire(&due[i].Row)
		}
		p.swept = *swept
		return []result{}, nil
	}
	return w
}

// expire books the end of a reserve that nothing has ended.
func (p *plan) expire(r *Row) {
	ref := p.transfers[r.ID]
	debit, credit := p.accounts[r.Debit], p.accounts[r.Credit]
	if ref == nil || ref.ended || debit == nil || credit == nil {
		return
	}
	t := &transfer{row: Row{DebitNo: debit.no, CreditNo: credit.no, Entry: ledger.Entry{
		Seq: p.seq() + 1, Booked: p.booked, Released: r.Amount.Minor(),
		Transfer: ledger.Transfer{
			ID: uuid.NewSHA1(expirySpace, r.ID[:]), Kind: ledger.Expire, Debit: r.Debit, Credit: r.Credit, Ref: r.ID,
			Amount: money.Zero(r.Amount.Currency()), ValueDate: ledger.FromDays(ledger.Days(p.booked)),
			Code: r.Code, Reference: r.Reference,
		},
	}}}
	p.book(t, ref, debit, credit)
}
