package ecb

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
)

// CrossScale is the decimal places of cross rates.
const CrossScale = 9

// Table is one day's rates: units of each currency for one euro.
type Table struct {
	// Date of the fixing; the ECB fixes about 14:15 Central European time and publishes about 16:00.
	Date  time.Time
	Rates map[money.Currency]money.Rate
}

// Cross is units of buy for one of sell. It fails with fx.ErrNoReference where the table lacks one of them.
func (t *Table) Cross(sell, buy money.Currency) (money.Rate, error) {
	one, err := money.ParseRate("1")
	if err != nil {
		return money.Rate{}, err
	}
	if sell == buy {
		return one, nil
	}
	perEuro := func(c money.Currency) (money.Rate, error) {
		if c == "EUR" {
			return one, nil
		}
		r, ok := t.Rates[c]
		if !ok {
			return r, fmt.Errorf("%w for %s on %s", fx.ErrNoReference, c, t.Date.Format(time.DateOnly))
		}
		return r, nil
	}
	s, err := perEuro(sell)
	if err != nil {
		return s, err
	}
	b, err := perEuro(buy)
	if err != nil {
		return b, err
	}
	if sell == "EUR" {
		return b, nil
	}
	return b.Div(s, CrossScale)
}

// MaxDays bounds how many days of history are kept.
const MaxDays = 20_000

// ParseCSV reads the ECB's CSV (eurofxref.csv or eurofxref-hist.csv): a header of currencies, then a line a day, newest first or not.
// It keeps the newest keep days (0: all), sorted newest first as the file is.
func ParseCSV(r io.Reader, keep int) ([]Table, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), 1<<16)
	if !lines.Scan() {
		return nil, errors.Join(errors.New("ECB rates: empty"), lines.Err())
	}
	header := split(lines.Text())
	if len(header) < 2 || header[0] != "Date" {
		return nil, errors.New("ECB rates: the CSV does not begin with a Date column")
	}
	var days []Table
	for n := 2; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		t, err := row(header, split(lines.Text()))
		if err != nil {
			return nil, fmt.Errorf("ECB rates: line %d: %w", n, err)
		}
		if len(days) > 0 && !t.Date.Before(days[len(days)-1].Date) {
			return nil, fmt.Errorf("ECB rates: line %d: %s does not come before the day above it", n, t.Date.Format(time.DateOnly))
		}
		days = append(days, t)
		if len(days) == keep {
			break
		}
		if len(days) > MaxDays {
			return nil, fmt.Errorf("ECB rates: more than %d days", MaxDays)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("ECB rates: %w", err)
	}
	if len(days) == 0 {
		return nil, errors.New("ECB rates: no day in the CSV")
	}
	return days, nil
}

func split(line string) []string {
	cells := strings.Split(strings.TrimRight(strings.TrimSpace(line), ","), ",")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

func row(header, cells []string) (Table, error) {
	if len(cells) != len(header) {
		return Table{}, fmt.Errorf("%d cells under %d headings", len(cells), len(header))
	}
	date, err := time.Parse(time.DateOnly, cells[0])
	if err != nil {
		// The daily CSV writes "13 April 2026".
		if date, err = time.Parse("2 January 2006", cells[0]); err != nil {
			return Table{}, fmt.Errorf("date %q", cells[0])
		}
	}
	t := Table{Date: date, Rates: make(map[money.Currency]money.Rate, len(cells))}
	for i, cell := range cells[1:] {
		if cell == "N/A" || cell == "" {
			continue
		}
		if err := t.add(header[i+1], cell); err != nil {
			return Table{}, err
		}
	}
	return t, nil
}

// add takes a rate; currencies that are no longer in use are left out.
func (t *Table) add(code, text string) error {
	c, err := money.ParseCurrency(code)
	if err != nil {
		return nil //nolint:nilerr // the history holds currencies that are gone
	}
	r, err := money.ParseRate(text)
	if err != nil {
		return fmt.Errorf("%s: %w", code, err)
	}
	t.Rates[c] = r
	return nil
}

// ParseXML reads the ECB's daily XML (eurofxref-daily.xml).
func ParseXML(r io.Reader) (Table, error) {
	var doc struct {
		Days []struct {
			Time  string `xml:"time,attr"`
			Rates []struct {
				Currency string `xml:"currency,attr"`
				Rate     string `xml:"rate,attr"`
			} `xml:"Cube"`
		} `xml:"Cube>Cube"`
	}
	if err := xml.NewDecoder(r).Decode(&doc); err != nil {
		return Table{}, fmt.Errorf("ECB rates: %w", err)
	}
	if len(doc.Days) == 0 || len(doc.Days[0].Rates) == 0 {
		return Table{}, errors.New("ECB rates: no day in the XML")
	}
	date, err := time.Parse(time.DateOnly, doc.Days[0].Time)
	if err != nil {
		return Table{}, fmt.Errorf("ECB rates: date %q", doc.Days[0].Time)
	}
	t := Table{Date: date, Rates: make(map[money.Currency]money.Rate, len(doc.Days[0].Rates))}
	for _, x := range doc.Days[0].Rates {
		if err := t.add(x.Currency, x.Rate); err != nil {
			return Table{}, fmt.Errorf("ECB rates: %w", err)
		}
	}
	return t, nil
}
