package fx

import (
	"errors"
	"time"

	"qiantang.dev/rails/internal/money"
)

// Reference is a source of reference rates, against which providers' quotes are judged.
type Reference interface {
	// Rate is units of buy for one of sell, and when it was fixed. The errors are ErrNoReference and those of loading.
	Rate(sell, buy money.Currency) (rate money.Rate, asOf time.Time, err error)
}

// ErrNoReference says that the source has no rate for the pair.
var ErrNoReference = errors.New("no reference rate")
