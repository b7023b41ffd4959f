package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"qiantang.dev/rails/internal/money"
)

// Decode reads a provider's JSON. Fields that we do not know are allowed: providers add them. Data after the end is not.
func Decode(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("answer is not the JSON expected: %w", err)
	}
	if dec.More() {
		return errors.New("answer has data after its end")
	}
	return nil
}

// Encode writes a request. It fails only for values that are ours to get right.
func Encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	return b, nil
}

// Text is a JSON string or number, taken as the text that was sent: no number passes through a float.
type Text string

// UnmarshalJSON reads a string, a number or null.
func (t *Text) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = ""
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = Text(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("want a string or a number: %w", err)
	}
	*t = Text(n)
	return nil
}

// Rate reads the text as a rate.
func (t Text) Rate() (money.Rate, error) { return money.ParseRate(string(t)) }

// Amount reads the text as an amount in major units. Zeros past the currency's digits ("12.500") are no more than how it is written.
func (t Text) Amount(c money.Currency) (money.Amount, error) {
	s := string(t)
	if point := strings.IndexByte(s, '.'); point > 0 && c.Digits() >= 0 {
		for len(s) > point+1+c.Digits() && s[len(s)-1] == '0' {
			s = s[:len(s)-1]
		}
		s = strings.TrimSuffix(s, ".")
	}
	return money.ParseAmount(s, c)
}

// Millis reads the text as milliseconds since 1970.
func (t Text) Millis() (time.Time, error) {
	n, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}, fmt.Errorf("time %q is not in milliseconds since 1970", string(t))
	}
	return time.UnixMilli(n), nil
}
