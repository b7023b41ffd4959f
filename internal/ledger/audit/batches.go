package audit

import (
	"context"
	"math"
	"strconv"

	"qiantang.dev/rails/internal/ledger/reader"
)

// batchPage is how many batch rows are in memory at once.
const batchPage = 4096

// gone is the booking time of an entry that is not there.
const gone = math.MinInt64

// batches walks the batch rows along the journal: each must follow the one before, end at an entry that is there, and be booked neither
// before that one nor after the next.
type batches struct {
	src   Source
	until uint64 // the head's batch
	size  uint64 // the head's entries
	find  func(what, id, why string, args ...any)
	last  reader.BatchRow
	page  []reader.BatchRow
	ended bool
	// before is the booking time of the entry before the part that is looked at; gone where there is none.
	before int64
}

// along checks the batches that end before the last of the entries from one on, by their booking times. The last batch ends with the last
// entry of all: final says that nothing follows.
func (b *batches) along(ctx context.Context, from uint64, booked []int64, final bool) error {
	at := func(seq uint64) int64 { // seq > from
		if i := seq - from - 1; i < uint64(len(booked)) {
			return booked[i]
		}
		return gone
	}
	to := from + uint64(len(booked))
	for {
		row, ok, err := b.peek(ctx)
		if err != nil {
			return err
		}
		if !ok || row.Seq >= to && row.Seq <= b.size && !final {
			break
		}
		b.page = b.page[1:]
		end, next := b.before, at(max(row.Seq, from)+1)
		if row.Seq > from {
			end = at(row.Seq)
		}
		if row.No != b.last.No+1 || row.Seq < b.last.Seq || row.Booked < b.last.Booked || row.Seq > 0 && end == gone ||
			end != gone && end > row.Booked || next != gone && next < row.Booked {
			b.find("batch", strconv.FormatUint(row.No, 10), "does not follow the batch before, or does not agree with the journal's times")
		}
		b.last = row
	}
	if len(booked) > 0 {
		b.before = booked[len(booked)-1]
	}
	return nil
}

func (b *batches) peek(ctx context.Context) (reader.BatchRow, bool, error) {
	if len(b.page) == 0 && !b.ended {
		var err error
		if b.page, err = b.src.Batches(ctx, b.last.No, b.until, batchPage); err != nil {
			return reader.BatchRow{}, false, err
		}
		b.ended = len(b.page) < batchPage
	}
	if len(b.page) == 0 {
		return reader.BatchRow{}, false, nil
	}
	return b.page[0], true, nil
}
