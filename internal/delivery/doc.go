// Package delivery is the border between the operator and the workers of a region: how a plan is cut into objects and put together
// again, and the names, labels and keys by which both sides find each other in the region's namespace.
//
// It holds no client and no Kubernetes types, so that the operator, the worker and tests use the very same codec.
//
// Invariants:
//   - Encode then Decode gives the same plan, with the same revision; anything else is an error.
//   - A shard's name is its content's hash, so that a shard never changes: it is there or it is not.
//   - Changing one member rewrites the shard that it lives in and the index, and leaves the other shards as they are.
package delivery
