package merkle

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
)

// NodeLevel is the lowest level whose nodes are kept: one node for each block of 2^NodeLevel leaves.
const NodeLevel = 8

// Block is how many leaves a kept node of NodeLevel covers.
const Block = 1 << NodeLevel

// HashSize is the size of every hash: SHA-256's.
const HashSize = 32

// Node is a complete inner node to be kept.
type Node struct {
	Level uint
	Index uint64
	Hash  []byte
}

var factory = &compact.RangeFactory{Hash: hashChildren}

// hashChildren is rfc6962's, with less garbage.
func hashChildren(left, right []byte) []byte {
	var pair [1 + 2*HashSize]byte
	pair[0] = rfc6962.RFC6962NodeHashPrefix
	copy(pair[1:], left)
	copy(pair[1+HashSize:], right)
	hash := sha256.Sum256(pair[:])
	return hash[:]
}

// Hash is a leaf's or node's hash.
type Hash [HashSize]byte

// Leaf begins a leaf to be hashed by Sum: RFC 6962's prefix, to which the leaf's canonical bytes are appended.
func Leaf(b []byte) []byte { return append(b[:0], rfc6962.RFC6962LeafHashPrefix) }

// Sum is the hash of a leaf that was begun by Leaf. It makes no garbage, unlike the library's hasher, with which it agrees.
func Sum(prefixed []byte) Hash { return sha256.Sum256(prefixed) }

// LeafHash hashes a leaf's canonical bytes.
func LeafHash(leaf []byte) []byte { return rfc6962.DefaultHasher.HashLeaf(leaf) }

// Short is the first eight bytes of a hash, as stores keep them beside each entry.
func Short(hash []byte) int64 { return int64(binary.BigEndian.Uint64(hash)) }

// Log is a log's right edge: enough to append and to know the root.
type Log struct{ r *compact.Range }

// Open continues a log of size leaves from its frontier, the concatenated hashes that Frontier returned.
func Open(size uint64, frontier []byte) (*Log, error) {
	if len(frontier)%HashSize != 0 {
		return nil, fmt.Errorf("merkle frontier of %d bytes: not a multiple of %d", len(frontier), HashSize)
	}
	r, err := factory.NewRange(0, size, slices.Collect(slices.Chunk(frontier, HashSize)))
	if err != nil {
		return nil, fmt.Errorf("merkle frontier at size %d: %w", size, err)
	}
	return &Log{r: r}, nil
}

// Size is how many leaves the log has.
func (l *Log) Size() uint64 { return l.r.End() }

// Append adds a leaf by its hash and appends the nodes to be kept that it completes to nodes.
func (l *Log) Append(leafHash []byte, nodes []Node) ([]Node, error) {
	err := l.r.Append(leafHash, func(id compact.NodeID, hash []byte) {
		if id.Level >= NodeLevel {
			nodes = append(nodes, Node{Level: id.Level, Index: id.Index, Hash: hash})
		}
	})
	return nodes, err
}

// AppendBlock adds a whole block, by the hash of its node of NodeLevel, to a log whose size is a multiple of Block.
func (l *Log) AppendBlock(hash []byte, nodes []Node) ([]Node, error) {
	begin := l.r.End()
	block, err := factory.NewRange(begin, begin+Block, [][]byte{hash})
	if err != nil {
		return nodes, err
	}
	nodes = append(nodes, Node{Level: NodeLevel, Index: begin >> NodeLevel, Hash: hash})
	err = l.r.AppendRange(block, func(id compact.NodeID, hash []byte) {
		nodes = append(nodes, Node{Level: id.Level, Index: id.Index, Hash: hash})
	})
	return nodes, err
}

// BlockHash is the hash of the perfect tree over leaf hashes, whose number is a power of two. It writes over them.
func BlockHash(level []Hash) Hash {
	var pair [1 + 2*HashSize]byte
	pair[0] = rfc6962.RFC6962NodeHashPrefix
	for len(level) > 1 {
		for i := 0; i < len(level); i += 2 {
			copy(pair[1:], level[i][:])
			copy(pair[1+HashSize:], level[i+1][:])
			level[i/2] = sha256.Sum256(pair[:])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

// Frontier is what Open needs to continue the log.
func (l *Log) Frontier() []byte { return slices.Concat(l.r.Hashes()...) }

// Root is the log's root hash.
func (l *Log) Root() []byte {
	if l.r.End() == 0 {
		return rfc6962.DefaultHasher.EmptyRoot()
	}
	root, err := l.r.GetRootHash(nil)
	if err != nil {
		panic(err) // only for a range that does not begin at 0, which Open never makes
	}
	return root
}
