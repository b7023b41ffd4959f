package controllers

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"

	"qiantang.dev/rails/internal/compile"
	"qiantang.dev/rails/internal/fleet"
	"qiantang.dev/rails/internal/plan"
)

// member is what a revision holds of one resource.
type member struct {
	hash       uint64
	generation int64
	draining   bool
}

// contents is what one revision holds. With it, a worker that serves an older revision is known to serve whatever has not changed since.
type contents map[compile.Ref]member

// contentsOf lists a plan's members.
func contentsOf(p *plan.Region) (contents, error) {
	out := make(contents, len(p.Corridors)+len(p.Providers)+len(p.Rails)+len(p.Participants)+len(p.Schedules))
	add := func(kind, name string, m member, v any) error {
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("%s %s: %w", kind, name, err)
		}
		h := fnv.New64a()
		_, _ = h.Write(raw) // A hash takes everything.
		m.hash = h.Sum64()
		out[compile.Ref{Kind: kind, Name: name}] = m
		return nil
	}
	for i := range p.Corridors {
		c := &p.Corridors[i]
		if err := add(compile.KindCorridor, c.Name, member{generation: c.Generation, draining: c.Draining}, c); err != nil {
			return nil, err
		}
	}
	for i := range p.Providers {
		if err := add(compile.KindProvider, p.Providers[i].Name, member{}, &p.Providers[i]); err != nil {
			return nil, err
		}
	}
	for i := range p.Rails {
		if err := add(compile.KindRail, p.Rails[i].Name, member{}, &p.Rails[i]); err != nil {
			return nil, err
		}
	}
	for i := range p.Participants {
		if err := add(compile.KindParticipant, p.Participants[i].Name, member{}, &p.Participants[i]); err != nil {
			return nil, err
		}
	}
	for i := range p.Schedules {
		if err := add(compile.KindSchedule, p.Schedules[i].Name, member{}, &p.Schedules[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// history remembers the contents of a region's revisions, as long as a worker may serve them.
type history struct {
	byRevision map[string]contents
	order      []string
}

// maxHistory bounds it: a worker that is further behind is told apart only as "not the newest".
const maxHistory = 8

func (h *history) add(p *plan.Region) error {
	if _, known := h.byRevision[p.Revision]; known {
		h.order = append(slices.DeleteFunc(h.order, func(r string) bool { return r == p.Revision }), p.Revision)
		return nil
	}
	c, err := contentsOf(p)
	if err != nil {
		return err
	}
	if h.byRevision == nil {
		h.byRevision = map[string]contents{}
	}
	h.byRevision[p.Revision] = c
	h.order = append(h.order, p.Revision)
	if len(h.order) > maxHistory {
		delete(h.byRevision, h.order[0])
		h.order = h.order[1:]
	}
	return nil
}

// trim drops all revisions but the newest one, once all workers serve it.
func (h *history) trim(newest string, workers []fleet.Worker) {
	for _, w := range workers {
		if w.Revision != newest {
			return
		}
	}
	if c, ok := h.byRevision[newest]; ok && len(h.order) > 1 {
		h.byRevision, h.order = map[string]contents{newest: c}, []string{newest}
	}
}
