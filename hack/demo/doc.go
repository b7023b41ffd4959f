// Command demo shows Qiantang at work: two clusters, the operator, the samples, a thousand payments, a settlement run. What it
// starts it records, and `demo down` removes that and nothing else. It can be run again on top of itself: every step looks at
// what is there first.
//
// It uses what users have: kubectl, helm, the chart, the samples, and the qiantang command.
package main
