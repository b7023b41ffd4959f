// Package v1alpha1 is the rails.qiantang.dev API: what a platform engineer declares, and what the operator says of it.
//
// Habits that every kind keeps:
//   - A namespace is one institution. References are by name within it.
//   - Every list and string is bounded; unions and cross-field rules are CEL in the schema, and name the offending value.
//   - Money is a decimal string in a stated currency, never a float and never a Quantity.
//   - The schema writes no defaults into a spec. Defaults are applied when compiling and shown under status.effective.
//   - Conditions: Accepted, ResolvedRefs, Programmed and the summary Ready, each with observedGeneration.
//
// +kubebuilder:object:generate=true
// +groupName=rails.qiantang.dev
package v1alpha1
