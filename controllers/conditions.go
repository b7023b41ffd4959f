package controllers

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
)

// conditions gathers the conditions of one resource. A condition that says the same as before keeps its time.
type conditions struct {
	before     []metav1.Condition
	generation int64
	now        metav1.Time
	list       []metav1.Condition
}

// said is half of a condition: all but type, generation and time.
type said struct {
	Status          metav1.ConditionStatus
	Reason, Message string
}

func yes(reason, message string) said   { return said{metav1.ConditionTrue, reason, message} }
func no(reason, message string) said    { return said{metav1.ConditionFalse, reason, message} }
func maybe(reason, message string) said { return said{metav1.ConditionUnknown, reason, message} }

func (c *conditions) set(kind string, s said) {
	next := metav1.Condition{
		Type: kind, Status: s.Status, Reason: s.Reason, Message: truncate(s.Message), ObservedGeneration: c.generation, LastTransitionTime: c.now,
	}
	if had := meta.FindStatusCondition(c.before, kind); had != nil && had.Status == next.Status {
		next.LastTransitionTime = had.LastTransitionTime
	}
	c.list = append(c.list, next)
}

// verdict sets what compiling found.
func (c *conditions) verdict(v compile.Verdict) {
	c.set(v1alpha1.ConditionAccepted, fromVerdict(v.Accepted))
	c.set(v1alpha1.ConditionResolvedRefs, fromVerdict(v.ResolvedRefs))
}

func fromVerdict(c compile.Condition) said {
	if c.OK {
		return yes(c.Reason, c.Message)
	}
	return no(c.Reason, c.Message)
}

// ready sums up: what is False counts before what is Unknown, and the first before the later.
func (c *conditions) ready() {
	sum := yes(v1alpha1.ReasonReady, "")
	for _, cond := range c.list {
		worse := cond.Status == metav1.ConditionFalse && sum.Status != metav1.ConditionFalse ||
			cond.Status == metav1.ConditionUnknown && sum.Status == metav1.ConditionTrue
		if worse {
			sum = said{cond.Status, cond.Reason, cond.Message}
		}
	}
	c.set(v1alpha1.ConditionReady, sum)
}

// wasTrue says whether a condition held for this very generation.
func (c *conditions) wasTrue(kind string) bool {
	had := meta.FindStatusCondition(c.before, kind)
	return had != nil && had.Status == metav1.ConditionTrue && had.ObservedGeneration == c.generation
}

// had is what a condition said before, for this very generation.
func (c *conditions) had(kind string) (said, bool) {
	cond := meta.FindStatusCondition(c.before, kind)
	if cond == nil || cond.ObservedGeneration != c.generation {
		return said{}, false
	}
	return said{cond.Status, cond.Reason, cond.Message}, true
}

// maxMessage bounds a message in a status, for people and for the API server.
const maxMessage = 1024

func truncate(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage-1], "") + "…"
}
