// Package agent is a worker's Kubernetes side. It watches the region's namespace for the plan, its credentials and requests for
// settlement runs, hands them to the engine, and says what the engine does: a Lease with heartbeat and acknowledgement, and reports
// of settlement runs. The engine itself knows nothing of Kubernetes.
//
// Invariants:
//   - The revision in the Lease is one that the engine has switched to; before the first it is empty.
//   - A plan that cannot be read or that the engine refuses is never half taken: the last good one goes on, and the Lease says why.
//   - The API server being away stops nothing: the engine serves on, and what is to be said is said when it is back.
//   - A worker that starts while the API server is away serves the plan that it last acknowledged, kept on its own disk for at most a day.
//   - Nothing but the heartbeat is written when nothing changes.
package agent
