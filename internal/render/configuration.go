package render

import (
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"

	"qiantang.dev/rails/internal/delivery"
)

// configuration renders the shards, which never change once made, and the index, which says which of them count.
func (r region) configuration() ([]any, error) {
	index, shards, err := delivery.Encode(r.Plan)
	if err != nil {
		return nil, err
	}
	var out []any
	for _, s := range shards {
		out = append(out, applycorev1.ConfigMap(delivery.ShardName(r.name(), s.Name), r.ns()).
			WithLabels(r.labels(delivery.PartShard)).
			WithImmutable(true).
			WithBinaryData(map[string][]byte{delivery.KeyShard: s.Packed}))
	}
	data, err := delivery.EncodeIndex(index)
	if err != nil {
		return nil, err
	}
	return append(out, applycorev1.ConfigMap(delivery.IndexName(r.name()), r.ns()).
		WithLabels(r.labels(delivery.PartIndex)).
		WithData(data)), nil
}
