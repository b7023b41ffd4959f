package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// bar is a progress bar on a terminal, and nothing elsewhere.
type bar struct {
	w     io.Writer
	of    string
	last  time.Time
	shown bool
}

func newBar(w io.Writer, of string) *bar {
	b := &bar{of: of}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			b.w = w
		}
	}
	return b
}

const barWidth = 30

func (b *bar) show(done, total uint64) {
	now := time.Now()
	if b.w == nil || total == 0 || now.Sub(b.last) < 100*time.Millisecond && done < total {
		return
	}
	b.last, b.shown = now, true
	full := int(min(done, total) * barWidth / total)
	_, _ = fmt.Fprintf(b.w, "\r[%s%s] %3d%% %d of %d %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done*100/total, done, total, b.of)
}

func (b *bar) done() {
	if b.shown {
		_, _ = fmt.Fprintln(b.w)
	}
}
