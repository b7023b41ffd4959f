// Package rules is the rule language of corridors: CEL, as Kubernetes users know it, over a payment, the time, and a candidate's
// quote, provider and rail. It checks rules when they are admitted and evaluates them for each choice of a route.
//
// Check is what the control plane calls; Compile and Program are what the router uses. A checked rule compiles.
//
// Invariants:
//   - An admitted rule is of type bool, and its estimated worst cost is bounded.
//   - No float meets money: amounts and rates are decimals, compared with whole numbers or with decimal('12.50').
//   - Evaluation takes the common shapes by closures and all else by cel-go, and means the same either way (the tests compare the
//     two on generated expressions). Either way it is pure: time comes with the input.
package rules
