package delivery

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"reflect"

	"qiantang.dev/rails/internal/plan"
)

const (
	// targetShardBytes of JSON make a full shard; a bucket that holds more is split. Compressed it is about a tenth of that,
	// so that an edit rewrites a small object, and an index of 10,000 corridors stays small too.
	targetShardBytes = 128 << 10
	// maxShardBytes bounds what a worker decompresses of one shard, and maxPackedBytes what fits into a ConfigMap (1 MiB).
	maxShardBytes  = 8 << 20
	maxPackedBytes = 900 << 10
	// maxDepth ends the splitting: that many leading bits alike are not met by chance.
	maxDepth = 32
)

// Index says which shards make up which revision.
type Index struct {
	Revision string
	Shards   []ShardRef
}

// ShardRef names one shard, with the SHA-256 (hexadecimal) of its JSON before compression.
type ShardRef struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Shard is a part of a plan: gzipped JSON of a plan.Region with some of its members, named by its content.
type Shard struct {
	ShardRef
	Packed []byte
}

// Encode cuts a sealed plan into shards. The plan's members must be sorted by name, each name once in its list, because their order is
// not carried. Members go to shards by the hash of their names: a bucket that is too full splits in two, as in extendible
// hashing, so that the other buckets never notice.
func Encode(r *plan.Region) (Index, []Shard, error) {
	if r.Revision == "" {
		return Index{}, nil, fmt.Errorf("plan of region %q is not sealed", r.Name)
	}
	if err := checkSorted(r); err != nil {
		return Index{}, nil, err
	}
	items, err := split(r)
	if err != nil {
		return Index{}, nil, err
	}
	index := Index{Revision: r.Revision}
	var shards []Shard
	for _, bucket := range buckets(items, 0) {
		part := header(r)
		for _, it := range bucket {
			it.addTo(&part)
		}
		shard, err := pack(part)
		if err != nil {
			return Index{}, nil, err
		}
		shards = append(shards, shard)
		index.Shards = append(index.Shards, shard.ShardRef)
	}
	return index, shards, nil
}

// Missing is a shard that the index names and that is not there (yet).
type Missing struct{ Name string }

func (e *Missing) Error() string { return fmt.Sprintf("shard %s is not there yet", e.Name) }

// Decode puts a plan together again. get returns a shard's packed content by its name. A shard that get does not know gives a
// *Missing: the objects of one revision do not arrive all at once. Any other error means that the revision cannot be taken as it is.
func Decode(index Index, get func(name string) ([]byte, bool)) (*plan.Region, error) {
	if len(index.Shards) == 0 {
		return nil, fmt.Errorf("revision %q: the index names no shards", index.Revision)
	}
	var whole plan.Region
	for i, ref := range index.Shards {
		packed, ok := get(ref.Name)
		if !ok {
			return nil, &Missing{Name: ref.Name}
		}
		part, err := unpack(ref, packed)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			whole = header(part)
		}
		if !sameHeader(&whole, part) {
			return nil, fmt.Errorf("shard %s belongs to region %s/%s, others to %s/%s", ref.Name, part.Institution, part.Name,
				whole.Institution, whole.Name)
		}
		whole.Corridors = append(whole.Corridors, part.Corridors...)
		whole.Providers = append(whole.Providers, part.Providers...)
		whole.Rails = append(whole.Rails, part.Rails...)
		whole.Participants = append(whole.Participants, part.Participants...)
		whole.Schedules = append(whole.Schedules, part.Schedules...)
		whole.Webhooks = append(whole.Webhooks, part.Webhooks...)
		whole.Clients = append(whole.Clients, part.Clients...)
	}
	sortMembers(&whole)
	if err := plan.Seal(&whole); err != nil {
		return nil, err
	}
	if whole.Revision != index.Revision {
		return nil, fmt.Errorf("the shards make revision %q, the index says %q", whole.Revision, index.Revision)
	}
	return &whole, nil
}

func header(r *plan.Region) plan.Region {
	return plan.Region{Institution: r.Institution, Name: r.Name, Jurisdiction: r.Jurisdiction, Self: r.Self, Checkpoints: r.Checkpoints, API: r.API}
}

func sameHeader(a, b *plan.Region) bool {
	return a.Institution == b.Institution && a.Name == b.Name && a.Jurisdiction == b.Jurisdiction && a.Self == b.Self &&
		reflect.DeepEqual(a.Checkpoints, b.Checkpoints) && reflect.DeepEqual(a.API, b.API)
}

func pack(part plan.Region) (Shard, error) {
	raw, err := json.Marshal(&part)
	if err != nil {
		return Shard{}, fmt.Errorf("plan of region %s: %w", part.Name, err)
	}
	var buf bytes.Buffer
	zip, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return Shard{}, err
	}
	if _, err := zip.Write(raw); err != nil {
		return Shard{}, err
	}
	if err := zip.Close(); err != nil {
		return Shard{}, err
	}
	if len(raw) > maxShardBytes || buf.Len() > maxPackedBytes {
		return Shard{}, fmt.Errorf("plan of region %s: one shard has %d bytes (%d packed), more than the %d (%d) that fit",
			part.Name, len(raw), buf.Len(), maxShardBytes, maxPackedBytes)
	}
	sum := sha256.Sum256(raw)
	return Shard{
		ShardRef: ShardRef{Name: hex.EncodeToString(sum[:8]), SHA256: hex.EncodeToString(sum[:])},
		Packed:   buf.Bytes(),
	}, nil
}

func unpack(ref ShardRef, packed []byte) (*plan.Region, error) {
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("shard %s: %w", ref.Name, err)
	}
	raw, err := io.ReadAll(io.LimitReader(zip, maxShardBytes+1))
	if err != nil {
		return nil, fmt.Errorf("shard %s: %w", ref.Name, err)
	}
	if len(raw) > maxShardBytes {
		return nil, fmt.Errorf("shard %s: more than %d bytes", ref.Name, maxShardBytes)
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != ref.SHA256 {
		return nil, fmt.Errorf("shard %s: its SHA-256 is %x, the index says %s", ref.Name, sum, ref.SHA256)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var part plan.Region
	if err := dec.Decode(&part); err != nil {
		return nil, fmt.Errorf("shard %s: %w", ref.Name, err)
	}
	return &part, nil
}

// EncodeIndex gives the data of the index's ConfigMap, DecodeIndex reads it.
func EncodeIndex(ix Index) (map[string]string, error) {
	shards, err := json.Marshal(ix.Shards)
	if err != nil {
		return nil, fmt.Errorf("index of revision %s: %w", ix.Revision, err)
	}
	return map[string]string{KeyRevision: ix.Revision, KeyShards: string(shards)}, nil
}

// DecodeIndex reads what EncodeIndex wrote.
func DecodeIndex(data map[string]string) (Index, error) {
	ix := Index{Revision: data[KeyRevision]}
	if ix.Revision == "" {
		return Index{}, fmt.Errorf("index: %s is empty", KeyRevision)
	}
	if err := json.Unmarshal([]byte(data[KeyShards]), &ix.Shards); err != nil {
		return Index{}, fmt.Errorf("index of revision %s: %s: %w", ix.Revision, KeyShards, err)
	}
	return ix, nil
}
