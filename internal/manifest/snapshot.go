package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
)

// created is what the loader sets on a resource: a generation, and an age in the order of the files.
type created interface {
	SetGeneration(int64)
	SetCreationTimestamp(metav1.Time)
}

func appended[T any, P interface {
	*T
	created
}](l *loader, raw []byte, to *[]T) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	// The schema has no say in metadata: unknown fields there are found here.
	dec.DisallowUnknownFields()
	var v T
	if err := dec.Decode(&v); err != nil {
		return err
	}
	P(&v).SetGeneration(1)
	P(&v).SetCreationTimestamp(metav1.NewTime(l.age))
	l.age = l.age.Add(time.Millisecond)
	*to = append(*to, v)
	return nil
}

// assumeSecrets tells the snapshot which keys the Secrets in the files have. Others that are referred to are taken to be in the
// cluster, with keys that are not known.
func (l *loader) assumeSecrets() {
	s := &l.Snapshot
	s.Secrets = map[string][]string{}
	for name, keys := range l.Secrets {
		s.Secrets[name] = slices.Sorted(maps.Keys(keys))
		if s.Secrets[name] == nil {
			s.Secrets[name] = []string{}
		}
	}
	for name := range s.ReferredSecrets() {
		if _, known := s.Secrets[name]; !known {
			s.Secrets[name] = nil
		}
	}
}

// hint says where a resource is that was not found for being wrong itself.
func (b *Bundle) hint(result compile.Result, f compile.Finding) string {
	if f.Reason != v1alpha1.ReasonRefNotFound {
		return ""
	}
	for _, kind := range compile.Kinds {
		ref := compile.Ref{Kind: kind, Name: f.Value}
		if _, compiled := result.Verdicts[ref]; !compiled && b.Files[ref] != "" {
			return fmt.Sprintf(" that is valid (see the findings on %s in %s)", ref, b.Files[ref])
		}
	}
	return ""
}

// Check compiles the bundle, and adds what compiling finds wrong to what loading found.
func (b *Bundle) Check(found []Finding) (compile.Result, []Finding) {
	result := compile.Compile(b.Snapshot)
	for ref, v := range result.Verdicts {
		if b.Files[ref] == "" {
			// A corridor that the files leave out, and that drains: nobody asks what is wrong with it.
			continue
		}
		for _, f := range v.Findings {
			found = append(found, Finding{
				File: b.Files[ref], Resource: ref.String(), Field: f.Field, Value: f.Value, Message: f.Message + b.hint(result, f),
			})
		}
	}
	for i := range b.Runs {
		r := &b.Runs[i]
		ref := compile.Ref{Kind: compile.KindRun, Name: r.Name}
		for _, need := range []struct {
			field string
			ref   compile.Ref
		}{
			{"spec.scheduleRef.name", compile.Ref{Kind: compile.KindSchedule, Name: string(r.Spec.ScheduleRef.Name)}},
			{"spec.regionRef.name", compile.Ref{Kind: compile.KindRegion, Name: string(r.Spec.RegionRef.Name)}},
		} {
			if _, ok := result.Verdicts[need.ref]; !ok {
				found = append(found, Finding{
					File: b.Files[ref], Resource: ref.String(), Field: need.field, Value: need.ref.Name,
					Message: fmt.Sprintf("no %s of this name", need.ref.Kind),
				})
			}
		}
	}
	sortFindings(found)
	return result, found
}
