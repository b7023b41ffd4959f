package engine

// step is what advancing to a batch changed, kept until the store has the batch.
type step struct {
	head Head
	// dirty is the queue as it was, since its first accounts' dirtySince: those whose balances are written.
	dirty []*account
	since []uint64
	// windows are the positions that the batch writes, nil where it writes none.
	windows map[windowKey]*WindowRow
	undo    []undo
}

// advance brings the state behind the batch that was planned on it, so that the next can be planned. It is then confirmed, once the
// store has the batch, or taken back by retreat.
func (s *state) advance(b *Batch) *step {
	st := &step{head: s.head, dirty: s.dirty, since: make([]uint64, len(b.Balances)), undo: s.undo}
	for i, a := range s.dirty[:len(b.Balances)] {
		st.since[i], a.dirtySince = a.dirtySince, 0
	}
	s.dirty = s.dirty[len(b.Balances):]
	if b.Next.Windows != b.Prev.Windows {
		st.windows, s.windows = s.windows, map[windowKey]*WindowRow{}
	} else {
		for i := range b.Entries {
			s.addWindow(&b.Entries[i], 1)
		}
	}
	s.undo, s.spare = s.spare[:0], nil
	s.head, s.usual = b.Next, len(b.Entries)
	return st
}

// confirm makes the batch's changes final. What is planned on top of it stays.
func (s *state) confirm(b *Batch, st *step) {
	for i := range b.Entries {
		s.keep(&b.Entries[i])
	}
	for i := range b.Records {
		s.rememberRecord(RecordName{b.Records[i].Kind, b.Records[i].Key})
	}
	clear(st.undo)
	s.spare = st.undo[:0]
	s.planned()
}

// retreat brings the state to before the batch was planned. What was planned on top of it must have been rolled back.
func (s *state) retreat(b *Batch, st *step) {
	if st.windows != nil {
		s.windows = st.windows
	} else {
		for i := range b.Entries {
			s.addWindow(&b.Entries[i], -1)
		}
	}
	s.head, s.dirty = st.head, st.dirty
	for i, since := range st.since {
		s.dirty[i].dirtySince = since
	}
	s.spare, s.undo = s.undo, st.undo
	s.rollback(0)
}
