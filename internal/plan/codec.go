package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Text is a time.Duration that JSON carries as text.
type Text time.Duration

// D is the duration.
func (t Text) D() time.Duration { return time.Duration(t) }

// MarshalText writes the duration as Go does: "1.5s".
func (t Text) MarshalText() ([]byte, error) { return []byte(time.Duration(t).String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *Text) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	*t = Text(d)
	return err
}

// Seal computes the Revision of r from all else and sets it.
func Seal(r *Region) error {
	r.Revision = ""
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("plan of region %s: %w", r.Name, err)
	}
	sum := sha256.Sum256(b)
	r.Revision = hex.EncodeToString(sum[:8])
	return nil
}

// Decode reads a sealed plan strictly: unknown fields, trailing data and a Revision that is not the content's are errors.
func Decode(b []byte) (*Region, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var r Region
	if err := dec.Decode(&r); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if dec.More() {
		return nil, fmt.Errorf("plan of region %s: data after its end", r.Name)
	}
	said := r.Revision
	if err := Seal(&r); err != nil {
		return nil, err
	}
	if said != r.Revision {
		return nil, fmt.Errorf("plan of region %s: revision %q is not the content's (%q)", r.Name, said, r.Revision)
	}
	return &r, nil
}
