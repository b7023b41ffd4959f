package router

import (
	"context"
	"time"
)

// restFor is how long a goroutine waits for more work.
const restFor = time.Second

// work runs f, which ends with ctx, on a goroutine of its own: on one that has driven a payment before, where one is free, as its stack has
// grown already to what that takes. With a new one for each payment, growing stacks is a thirtieth of all that the worker does.
func (r *Router) work(ctx context.Context, f func()) {
	select {
	case r.rested <- f:
	default:
		r.tasks.Go(func() {
			f()
			r.rest(ctx)
		})
	}
}

func (r *Router) rest(ctx context.Context) {
	idle := time.NewTimer(restFor)
	defer idle.Stop()
	for {
		select {
		case f := <-r.rested:
			f()
			idle.Reset(restFor)
		case <-idle.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
