package manifest

import (
	"fmt"
	"io"
	"strings"

	"qiantang.dev/rails/internal/compile"
	"qiantang.dev/rails/internal/plan"
)

// printer keeps the first error of writing.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// Summary writes what a folder holds, for people.
func (b *Bundle) Summary(w io.Writer) error {
	s := &b.Snapshot
	p := &printer{w: w}
	var parts []string
	for _, c := range []struct {
		n    int
		name string
	}{
		{len(s.Regions), "regions"}, {len(s.Corridors), "corridors"}, {len(s.Providers), "providers"}, {len(s.Rails), "rails"},
		{len(s.Schedules), "schedules"}, {len(s.Participants), "participants"}, {len(s.Calendars), "calendars"}, {len(b.Runs), "runs"},
		{len(b.Secrets), "secrets"},
	} {
		if c.n == 1 {
			c.name = strings.TrimSuffix(c.name, "s")
		}
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.name))
		}
	}
	p.printf("valid: institution %s with %s\n", s.Institution, strings.Join(parts, ", "))
	for _, ignored := range b.Ignored {
		p.printf("not looked at: %s\n", ignored)
	}
	return p.err
}

// WritePlan compiles wanted as an update of served (nil: of nothing), and writes what would change, for people. found is what loading
// wanted found; the result adds what compiling finds.
func WritePlan(w io.Writer, wanted *Bundle, found []Finding, served *Bundle) ([]Finding, error) {
	var before compile.Result
	wanted.Snapshot.Last = map[string]*plan.Region{}
	if served != nil {
		before = compile.Compile(served.Snapshot)
		for name, r := range before.Regions {
			wanted.Snapshot.Last[name] = r.Plan
		}
		wanted.drop(served)
	}
	for i := range wanted.Snapshot.Regions {
		// What is not in served was never delivered, which is known.
		if name := wanted.Snapshot.Regions[i].Name; wanted.Snapshot.Last[name] == nil {
			wanted.Snapshot.Last[name] = nil
		}
	}
	after, found := wanted.Check(found)
	p := &printer{w: w}
	for _, f := range found {
		p.printf("not valid, stays as it is: %s\n", f)
	}
	changes := compile.Changes(before, after)
	region := ""
	for _, c := range changes {
		if c.Region != region {
			region = c.Region
			p.region(before, after, region)
		}
		p.change(c)
	}
	if len(changes) == 0 {
		p.printf("nothing would change\n")
	}
	return found, p.err
}

func (p *printer) region(before, after compile.Result, region string) {
	was, is := "-", "-"
	if r := before.Regions[region].Plan; r != nil {
		was = r.Revision
	}
	if r := after.Regions[region].Plan; r != nil {
		is = r.Revision
	}
	p.printf("region %s: revision %s -> %s\n", region, was, is)
}

var signs = map[compile.Action]string{compile.Added: "+", compile.Removed: "-", compile.Changed: "~", compile.Drained: "!"}

func (p *printer) change(c compile.Change) {
	p.printf("  %s %s/%s %s\n", signs[c.Action], c.Kind, c.Name, c.Action)
	for _, f := range c.Fields {
		p.printf("      %s: %s -> %s\n", f.Path, orNone(f.Old), orNone(f.New))
	}
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
