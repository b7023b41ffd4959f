package progress

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func TestStepTellsBeginningAndEnd(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	p := New(&out, func() time.Time { now = now.Add(1234 * time.Millisecond); return now })
	if err := p.Step("boiling", "about 3 min", func() error { return nil }); err != nil {
		t.Error(err)
	}
	burnt := errors.New("burnt")
	if err := p.Step("frying", "", func() error { return burnt }); !errors.Is(err, burnt) || err.Error() != "frying: burnt" {
		t.Errorf("error %v", err)
	}
	want := "· boiling (about 3 min) …\n✓ boiling: 1.2s\n· frying …\n✗ frying: failed after 1.2s\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}

func TestRoundShowsTenthsOnlyWhileTheyMatter(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1260 * time.Millisecond:  "1.3s",
		83600 * time.Millisecond: "1m24s",
	} {
		if got := Round(d).String(); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
}
