// Package ecb reads the European Central Bank's euro foreign exchange reference rates, from a file or a URL: the daily XML, or the CSV
// of one day or of all days since 1999.
//
// The rates are for reference: nobody deals at them. The adapter answers quotes that are not guaranteed, and pays nothing.
// Cross rates are computed of two rates against the euro, rounded half to even at 9 decimal places.
package ecb
