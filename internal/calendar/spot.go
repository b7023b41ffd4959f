package calendar

import "time"

// spotLags are the pairs whose spot date is one business day away, by the currency beside USD.
// Source: market convention, ACI Model Code; all other pairs are two days.
var spotLags = map[string]int{"CAD": 1, "TRY": 1}

// strictUSD are the currencies for which a USD holiday on the first day after the trade also pushes the spot date.
// Source: market convention.
var strictUSD = map[string]bool{"ARS": true, "CLP": true, "MXN": true}

// newYork is where the trade date rolls, at 17:00.
const newYork = "America/New_York"

// TradeDate is the foreign-exchange trade date of a moment: it rolls at 17:00 in New York, and for NZD against USD at 07:00 in
// Auckland. Saturdays and Sundays belong to Monday.
func TradeDate(t time.Time, currencies ...string) (Date, error) {
	zone, roll := newYork, 17*60
	if len(currencies) == 2 && onlyOf("NZD", "USD", currencies) {
		zone, roll = "Pacific/Auckland", 7*60
	}
	loc, err := ParseZone(zone)
	if err != nil {
		return Date{}, err
	}
	d, minute := wallOf(t.In(loc)).date()
	switch {
	case zone == newYork && minute >= roll:
		d = d.AddDays(1)
	case zone != newYork && minute < roll:
		d = d.AddDays(-1)
	}
	for !MondayToFriday.Has(d.Weekday()) {
		d = d.AddDays(1)
	}
	return d, nil
}

func onlyOf(a, b string, pair []string) bool {
	return (pair[0] == a && pair[1] == b) || (pair[0] == b && pair[1] == a)
}

// Spot is the spot date of a pair traded on a trade date. days gives each currency's business days; USD's are needed too, for
// crosses. The date is good for both currencies and no USD holiday; on the way there a non-USD holiday pushes it and a USD holiday
// does not (save ARS, CLP, MXN). A cross takes the later of its legs against USD. A pair of one currency is due on the trade date.
func Spot(trade Date, sell, buy string, days func(currency string) Days) (Date, error) {
	usd := days("USD")
	if sell == buy {
		return Joint{days(sell)}.OnOrAfter(trade)
	}
	spot := trade
	for _, c := range [2]string{sell, buy} {
		if c == "USD" {
			continue
		}
		if leg := spotLeg(trade, c, days(c), usd); spot.Before(leg) {
			spot = leg
		}
	}
	return Joint{days(sell), days(buy), usd}.OnOrAfter(spot)
}

// spotLeg counts the lag of one currency against USD, before it must be good for both.
func spotLeg(trade Date, currency string, own, usd Days) Date {
	lag, ok := spotLags[currency]
	if !ok {
		lag = 2
	}
	d := trade
	for i := 0; i < lag && d.n-trade.n < reach; {
		d = d.AddDays(1)
		good := own.IsBusinessDay(d)
		if strictUSD[currency] {
			good = good && usd.IsBusinessDay(d)
		} else {
			// A USD holiday counts as a day on the way, a weekend does not.
			good = good && MondayToFriday.Has(d.Weekday())
		}
		if good {
			i++
		}
	}
	return d
}
