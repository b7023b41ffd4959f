package router

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"

	"qiantang.dev/rails/pkg/client"
)

// readLines reads a batch's lines as they come. A line that is wrong is told of and passed over; a reader that fails ends it with a
// last line that says so.
func readLines(kind string, in io.Reader) iter.Seq[parsed] {
	if kind == typeCSV {
		return readCSV(in)
	}
	return readNDJSON(in)
}

// lines yields the lines that are not blank, numbered from 1, in a buffer that is used again.
func lines(in io.Reader, yield func(n int, text []byte) bool, failed func(n int, err error)) {
	scan := bufio.NewScanner(in)
	scan.Buffer(make([]byte, 0, 4096), maxBatchLine)
	n := 0
	for scan.Scan() {
		text := bytes.TrimSpace(scan.Bytes())
		if len(text) == 0 {
			continue
		}
		n++
		if !yield(n, text) {
			return
		}
	}
	if err := scan.Err(); err != nil {
		failed(n+1, err)
	}
}

func readNDJSON(in io.Reader) iter.Seq[parsed] {
	return func(yield func(parsed) bool) {
		lines(in, func(n int, text []byte) bool {
			var l batchLine
			prob := decodeLine(text, &l)
			return yield(parsed{line: n, key: l.ID, req: &l.PaymentRequest, prob: prob})
		}, func(n int, err error) { yield(parsed{line: n, prob: unreadable(err)}) })
	}
}

func unreadable(err error) *client.Problem {
	if errors.Is(err, bufio.ErrTooLong) {
		return problem(http.StatusRequestEntityTooLarge, codeTooLarge, fmt.Sprintf("a line is longer than %d bytes; nothing after it was read", maxBatchLine))
	}
	return problem(http.StatusBadRequest, codeMalformed, "the batch could not be read further: "+err.Error())
}

func readCSV(in io.Reader) iter.Seq[parsed] {
	return func(yield func(parsed) bool) {
		var columns []string
		lines(in, func(n int, text []byte) bool {
			row, prob := splitCSV(string(text))
			if columns == nil && prob == nil {
				columns, prob = csvColumns(row)
				if prob == nil {
					return true
				}
			}
			switch {
			case columns == nil: // without a header, no line means anything
				yield(parsed{line: n, prob: prob})
				return false
			case prob == nil && len(row) != len(columns):
				prob = problem(http.StatusBadRequest, codeMalformed, fmt.Sprintf("%d fields where the header has %d", len(row), len(columns)))
			}
			if prob != nil {
				return yield(parsed{line: n - 1, prob: prob})
			}
			l := csvPayment(columns, row)
			return yield(parsed{line: n - 1, key: l.ID, req: &l.PaymentRequest})
		}, func(n int, err error) { yield(parsed{line: max(1, n-1), prob: unreadable(err)}) })
	}
}

// splitCSV splits a line as RFC 4180 does, save that a field does not go over the line's end: so one line is all that is kept in memory.
func splitCSV(text string) ([]string, *client.Problem) {
	bad := func(what string) ([]string, *client.Problem) {
		return nil, problem(http.StatusBadRequest, codeMalformed, "not a line of CSV: "+what)
	}
	var row []string
	for {
		quoted, isQuoted := strings.CutPrefix(text, `"`)
		if !isQuoted {
			value, rest, more := strings.Cut(text, ",")
			if strings.Contains(value, `"`) {
				return bad("a quote inside a field that does not begin with one")
			}
			row = append(row, value)
			if !more {
				return row, nil
			}
			text = rest
			continue
		}
		var b strings.Builder
		for {
			part, rest, closed := strings.Cut(quoted, `"`)
			if !closed {
				return bad("a quoted field does not end on its line")
			}
			b.WriteString(part)
			if quoted = rest; !strings.HasPrefix(rest, `"`) {
				break
			}
			b.WriteByte('"')
			quoted = rest[1:]
		}
		row = append(row, b.String())
		if quoted == "" {
			return row, nil
		}
		if quoted[0] != ',' {
			return bad("text after a quoted field")
		}
		text = quoted[1:]
	}
}

// csvColumns checks a header: known names, each once, and those that every payment needs.
func csvColumns(header []string) ([]string, *client.Problem) {
	columns := slices.Clone(header)
	for i := range columns {
		columns[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(columns[i], "\uFEFF")))
		if !slices.Contains(csvHeader, columns[i]) {
			return nil, invalid(field("header row", columns[i], "unknown column; known are %s", strings.Join(csvHeader, ", ")))
		}
		if slices.Contains(columns[:i], columns[i]) {
			return nil, invalid(field("header row", columns[i], "column given twice"))
		}
	}
	for _, need := range csvHeader[:8] {
		if !slices.Contains(columns, need) {
			return nil, invalid(field("header row", need, "column missing"))
		}
	}
	return columns, nil
}

func csvPayment(columns, row []string) batchLine {
	var l batchLine
	for i, name := range columns {
		v := strings.TrimSpace(row[i])
		switch name {
		case "id":
			l.ID = v
		case "corridor":
			l.Corridor = v
		case "account":
			l.Account = v
		case "currency":
			l.Amount.Currency = v
		case "amount":
			l.Amount.Value = v
		case "beneficiary_name":
			l.Beneficiary.Name = v
		case "beneficiary_country":
			l.Beneficiary.Country = v
		case "beneficiary_account":
			l.Beneficiary.Account = v
		case "beneficiary_bic":
			l.Beneficiary.AgentBIC = v
		case "purpose":
			l.Purpose = v
		case "reference":
			l.Reference = v
		}
	}
	return l
}
