package manifest

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"qiantang.dev/rails/internal/compile"
)

// drop adds the corridors that served has and b has not, as being deleted: they drain before they go.
func (b *Bundle) drop(served *Bundle) {
	for i := range served.Snapshot.Corridors {
		gone := served.Snapshot.Corridors[i].DeepCopy()
		if _, still := b.Files[compile.Ref{Kind: compile.KindCorridor, Name: gone.Name}]; still {
			continue
		}
		at := metav1.NewTime(b.Snapshot.Now)
		gone.DeletionTimestamp = &at
		b.Snapshot.Corridors = append(b.Snapshot.Corridors, *gone)
	}
}
