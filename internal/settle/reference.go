package settle

import (
	"encoding/hex"

	"github.com/google/uuid"
)

// bookings of settlement are named within this namespace.
var bookingSpace = uuid.MustParse("6f3a3d0e-6a5b-5c0e-9b0e-3f3f0c2b7a11")

func bookingID(window, payer, payee, currency string) uuid.UUID {
	sum := digest(window, payer, payee, currency)
	return uuid.NewSHA1(bookingSpace, sum[:])
}

// Reference is under what the entries of a run are found in the ledger: its name, or where that is longer than the ledger's 64
// characters, its beginning and a digest of it.
func Reference(run string) string {
	if len(run) <= 64 {
		return run
	}
	sum := digest("run", run)
	return run[:47] + "-" + hex.EncodeToString(sum[:8])
}
