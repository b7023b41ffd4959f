package market

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"qiantang.dev/rails/internal/fx/ecb"
	"qiantang.dev/rails/internal/money"
)

//go:embed ecb-2026-04-13.csv
var embedded []byte

// Market is the rates of one or more days; the newest day's are used.
type Market struct{ days []ecb.Table }

// Embedded is the market of 13 April 2026.
func Embedded() (*Market, error) {
	days, err := ecb.ParseCSV(bytes.NewReader(embedded), 0)
	if err != nil {
		return nil, err
	}
	return &Market{days: days}, nil
}

// Load reads a file with the ECB's history as CSV.
func Load(path string) (*Market, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	days, err := ecb.ParseCSV(f, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Market{days: days}, nil
}

// Mid is units of buy for one of sell, on the newest day.
func (m *Market) Mid(sell, buy money.Currency) (money.Rate, error) { return m.days[0].Cross(sell, buy) }

// Date is the newest day.
func (m *Market) Date() time.Time { return m.days[0].Date }

func (m *Market) currencies() []money.Currency {
	all := map[money.Currency]bool{}
	for _, d := range m.days {
		for c := range d.Rates {
			all[c] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// WriteCSV writes all days as the ECB writes its history.
func (m *Market) WriteCSV(w io.Writer) error {
	var b bytes.Buffer
	all := m.currencies()
	b.WriteString("Date,")
	for _, c := range all {
		b.WriteString(string(c) + ",")
	}
	b.WriteByte('\n')
	for _, d := range m.days {
		b.WriteString(d.Date.Format(time.DateOnly) + ",")
		for _, c := range all {
			if r, ok := d.Rates[c]; ok {
				b.WriteString(r.String())
			} else {
				b.WriteString("N/A")
			}
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	_, err := w.Write(b.Bytes())
	return err
}

// WriteXML writes the newest day as the ECB writes its daily rates.
func (m *Market) WriteXML(w io.Writer) error {
	type cube struct {
		Currency string `xml:"currency,attr"`
		Rate     string `xml:"rate,attr"`
	}
	var doc struct {
		XMLName xml.Name `xml:"http://www.gesmes.org/xml/2002-08-01 Envelope"`
		Subject string   `xml:"subject"`
		Day     struct {
			Time  string `xml:"time,attr"`
			Cubes []cube `xml:"Cube"`
		} `xml:"http://www.ecb.int/vocabulary/2002-08-01/eurofxref Cube>Cube"`
	}
	doc.Subject = "Reference rates"
	doc.Day.Time = m.Date().Format(time.DateOnly)
	for _, c := range m.currencies() {
		if r, ok := m.days[0].Rates[c]; ok {
			doc.Day.Cubes = append(doc.Day.Cubes, cube{Currency: string(c), Rate: r.String()})
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	return xml.NewEncoder(w).Encode(doc)
}
