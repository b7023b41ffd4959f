package fleet

import (
	"sync"
	"time"
)

// Region is the handle of one region. Its methods fail with ErrNotConnected while its cluster cannot be reached.
type Region struct {
	key   Key
	fleet *Fleet

	mu sync.Mutex
	// current carries the region; next takes over once it is connected.
	current, next *connection
	namespace     string
	// pruned names what was wanted outside of the namespace when that was last pruned, through prunedBy.
	pruned   string
	prunedBy *connection
	// manned is when every role was last seen to be played by a live worker; told says that its lasting absence was.
	manned time.Time
	told   bool
}

// Reach says whether a region can be reached.
type Reach struct {
	// Connected, or why not. The first attempt under way is neither: Connected is false and Err empty.
	Connected bool
	Err       string
	// LastHeard is when the cluster last answered; zero: never.
	LastHeard time.Time
}

// use makes c carry the region: at once where nothing does yet, else when c is connected.
func (r *Region) use(c *connection, namespace string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.current == nil || namespace != r.namespace:
		r.current, r.next = c, nil
	case r.current == c:
		r.next = nil
	default:
		r.next = c
	}
	r.namespace = namespace
}

// connection is what carries the region now.
func (r *Region) connection() (*connection, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next != nil && r.next.reach().Connected {
		r.current, r.next = r.next, nil
	}
	return r.current, r.namespace
}

func (r *Region) connections() []*connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []*connection{r.current}
	if r.next != nil {
		out = append(out, r.next)
	}
	return out
}

// Reach says whether the region can be reached now.
func (r *Region) Reach() Reach {
	c, _ := r.connection()
	reach := c.reach()
	r.fleet.metrics.reachable(r.key, reach.Connected)
	return reach
}

// connected is the connection, or ErrNotConnected.
func (r *Region) connected() (*connection, string, error) {
	c, ns := r.connection()
	if !c.reach().Connected {
		return nil, "", ErrNotConnected
	}
	return c, ns, nil
}

// grace is how long a role may be played by nobody before that is news: as long as a worker that is silent counts as alive.
const grace = 40 * time.Second

// Manned says whether every role is played by a live worker, or was so less than a Lease's time ago.
func (r *Region) Manned() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.manned.IsZero() && r.fleet.Clock.Since(r.manned) <= grace
}

// noteManned notes whether every role is played now, and says whether nobody has played one for so long that it must be told.
func (r *Region) noteManned(all bool) (tell bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if all {
		r.manned, r.told = r.fleet.Clock.Now(), false
		return false
	}
	if r.told || r.manned.IsZero() || r.fleet.Clock.Since(r.manned) <= grace {
		return false
	}
	r.told = true
	return true
}
