// Package render turns a region's plan and deployment into the Kubernetes objects of its namespace: configuration in shards, what the
// workers may do, the workers themselves and how they are reached. It is pure: the same input gives the same objects, in the order
// in which they are to be applied.
//
// It does not apply them (internal/fleet does), and never sees the value of a secret except to put it into a Secret.
//
// Invariants:
//   - A change of the plan changes ConfigMaps only, never a pod template: configuration is served without a restart.
//   - Objects carry only the fields that we mean to own, so that server-side apply leaves all others alone.
//   - Pods meet the restricted Pod Security Standard, and may read no Secret but their own.
package render
