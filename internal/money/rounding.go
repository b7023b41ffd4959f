package money

// Rounding names how a result is brought to whole minor units.
type Rounding int

// The roundings in use. HalfUp is what providers publish for payouts (PingPong, Ripple); HalfEven is for our own statistics and
// cross rates; Down and Up never favour the receiver or the payer respectively.
const (
	HalfUp   Rounding = iota // to the nearest, a half away from zero
	HalfEven                 // to the nearest, a half to the even neighbour
	Down                     // towards zero
	Up                       // away from zero
)

// up says whether quotient q (of a magnitude) with remainder rem of div is to be raised by one.
func (r Rounding) up(q, rem, div uint64) bool {
	if rem == 0 {
		return false
	}
	switch r {
	case Down:
		return false
	case Up:
		return true
	case HalfEven:
		if rem == div-rem {
			return q%2 == 1
		}
		return rem > div-rem
	default:
		return rem >= div-rem
	}
}
