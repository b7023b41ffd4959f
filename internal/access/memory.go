package access

import (
	"crypto/sha256"
	"sync"
	"time"
)

// entry is what was found out about a token.
type entry struct {
	identity Identity
	refused  *Refused
	until    time.Time
}

// memory holds entries by the token's hash, up to a number and each up to its time.
type memory struct {
	mu      sync.Mutex
	most    int
	entries map[[sha256.Size]byte]entry
}

func newMemory(most int) *memory { return &memory{most: most, entries: map[[sha256.Size]byte]entry{}} }

func (m *memory) get(key [sha256.Size]byte, now time.Time) (entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[key]
	if ok && !now.Before(e.until) {
		delete(m.entries, key)
		return entry{}, false
	}
	return e, ok
}

func (m *memory) put(key [sha256.Size]byte, e entry, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.entries) >= m.most {
		for k, old := range m.entries {
			if !now.Before(old.until) {
				delete(m.entries, k)
			}
		}
	}
	for k := range m.entries {
		if len(m.entries) < m.most {
			break
		}
		delete(m.entries, k) // Any: what is dropped is asked for again.
	}
	m.entries[key] = e
}
