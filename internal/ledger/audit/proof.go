package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/merkle"
	"qiantang.dev/rails/internal/ledger/reader"
)

// BrokenError says that the log itself lacks something.
type BrokenError struct{ What string }

func (e *BrokenError) Error() string { return "the journal is broken: " + e.What }

// node is the hash of a complete node: a kept one, or made from the journal's leaves.
func node(ctx context.Context, src Source, id compact.NodeID) ([]byte, error) {
	if id.Level >= merkle.NodeLevel {
		kept, err := src.Nodes(ctx, id.Level, id.Index, id.Index+1)
		if err != nil {
			return nil, err
		}
		if hash := kept[id.Index]; len(hash) == merkle.HashSize {
			return hash, nil
		}
		return nil, &BrokenError{What: fmt.Sprintf("node %d/%d is missing", id.Level, id.Index)}
	}
	from, to := id.Coverage()
	var leaves []merkle.Hash
	err := leavesOf(ctx, src, from, to, func(_ *reader.Raw, leaf []byte) { leaves = append(leaves, merkle.Hash(merkle.LeafHash(leaf))) })
	if err != nil {
		return nil, err
	}
	if uint64(len(leaves)) != to-from {
		return nil, &BrokenError{What: fmt.Sprintf("of entries %d-%d only %d are there", from+1, to, len(leaves))}
	}
	hash := merkle.BlockHash(leaves)
	return hash[:], nil
}

// leavesOf reads the canonical bytes of the entries after one and up to another.
func leavesOf(ctx context.Context, src Source, after, until uint64, each func(r *reader.Raw, leaf []byte)) error {
	type row struct {
		leaf          ledger.Leaf[[]byte]
		debit, credit uint64
	}
	var rows []row
	var nos []uint64
	if err := src.ScanJournal(ctx, after, until, func(r *reader.Raw) error {
		l := r.Leaf
		l.Currency, l.Code, l.Reference, l.Window = clone(l.Currency), clone(l.Code), clone(l.Reference), clone(l.Window)
		rows = append(rows, row{leaf: l, debit: r.DebitNo, credit: r.CreditNo})
		nos = append(nos, r.DebitNo, r.CreditNo)
		return nil
	}); err != nil {
		return err
	}
	names, err := src.AccountIDs(ctx, nos)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].leaf.Debit, rows[i].leaf.Credit = []byte(names[rows[i].debit]), []byte(names[rows[i].credit])
		raw := reader.Raw{Leaf: rows[i].leaf, DebitNo: rows[i].debit, CreditNo: rows[i].credit}
		each(&raw, raw.Append(nil))
	}
	return nil
}

func clone(b []byte) []byte { return append([]byte(nil), b...) }

// RootAt is the root of the journal's first size entries, from the kept nodes and the last block's leaves.
func RootAt(ctx context.Context, src Source, size uint64) ([]byte, error) {
	if size == 0 {
		return rfc6962.DefaultHasher.EmptyRoot(), nil
	}
	var hashes []byte
	for _, id := range compact.RangeNodes(0, size, nil) {
		h, err := node(ctx, src, id)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, h...)
	}
	log, err := merkle.Open(size, hashes)
	if err != nil {
		return nil, err
	}
	return log.Root(), nil
}

// Proof shows that one entry is in the log of a signed checkpoint. It can be checked without the ledger.
type Proof struct {
	// Leaf is the entry's canonical bytes; Entry is the same, for people, and proves nothing.
	Leaf  []byte          `json:"leaf"`
	Entry json.RawMessage `json:"entry"`
	// Index is the leaf's place in the log: the entry's number less one.
	Index  uint64   `json:"index"`
	Hashes [][]byte `json:"hashes"`
	// Checkpoint is a signed note about a log that holds the entry.
	Checkpoint string `json:"checkpoint"`
}

// Prove makes a proof of entry seq in the log of the checkpoint, which must be about at least so many entries.
func Prove(ctx context.Context, src Source, seq uint64, checkpoint string) (*Proof, error) {
	cp, err := merkle.ParseCheckpoint(checkpoint)
	if err != nil {
		return nil, err
	}
	if seq == 0 || seq > cp.Size {
		return nil, &ledger.NotFoundError{What: "entry in the checkpoint of " + strconv.FormatUint(cp.Size, 10) + " entries", ID: strconv.FormatUint(seq, 10)}
	}
	p := &Proof{Index: seq - 1, Checkpoint: checkpoint}
	if err := leavesOf(ctx, src, seq-1, seq, func(_ *reader.Raw, leaf []byte) { p.Leaf = leaf }); err != nil {
		return nil, err
	}
	entry, err := ledger.ParseEntry(p.Leaf)
	if err != nil {
		return nil, &BrokenError{What: fmt.Sprintf("entry %d: %v", seq, err)}
	}
	if p.Entry, err = json.Marshal(Readable(&entry)); err != nil {
		return nil, err
	}
	nodes, err := proof.Inclusion(p.Index, cp.Size)
	if err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		if hashes[i], err = node(ctx, src, id); err != nil {
			return nil, err
		}
	}
	if p.Hashes, err = nodes.Rehash(hashes, rfc6962.DefaultHasher.HashChildren); err != nil {
		return nil, err
	}
	if err := check(p, cp); err != nil {
		return nil, &BrokenError{What: fmt.Sprintf("entry %d cannot be proven: %v", seq, err)}
	}
	return p, nil
}

// Check verifies a proof with the ledger's public key and returns the entry that it proves.
func Check(p *Proof, key note.Verifier) (ledger.Entry, merkle.Checkpoint, error) {
	cp, err := merkle.OpenCheckpoint(p.Checkpoint, key)
	if err != nil {
		return ledger.Entry{}, cp, err
	}
	if err := check(p, cp); err != nil {
		return ledger.Entry{}, cp, err
	}
	e, err := ledger.ParseEntry(p.Leaf)
	if err == nil && e.Seq != p.Index+1 {
		err = fmt.Errorf("the leaf is entry %d, its place in the log is %d", e.Seq, p.Index)
	}
	return e, cp, err
}

func check(p *Proof, cp merkle.Checkpoint) error {
	return proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, cp.Size, merkle.LeafHash(p.Leaf), p.Hashes, cp.Root)
}
