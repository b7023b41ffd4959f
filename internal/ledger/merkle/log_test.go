package merkle_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/ledger/merkle"
)

func leafOf(i int) []byte { return fmt.Appendf(nil, "leaf %d", i) }

// reference is the root by golang.org/x/mod/sumdb/tlog, which shares no code with ours.
func reference(t *testing.T, n int) []byte {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	for i := range n {
		hashes, err := tlog.StoredHashes(int64(i), leafOf(i), read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(int64(n), read)
	if err != nil {
		t.Fatal(err)
	}
	return root[:]
}

func TestRootIsThatOfTheGoChecksumDatabase(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 255, 256, 257, 511, 512, 1000, 1024, 2100} {
		log, err := merkle.Open(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		var nodes []merkle.Node
		for i := range n {
			if nodes, err = log.Append(merkle.LeafHash(leafOf(i)), nodes); err != nil {
				t.Fatal(err)
			}
			if i%97 == 0 { // as a new batch does
				if log, err = merkle.Open(log.Size(), log.Frontier()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if want := reference(t, n); n > 0 && !bytes.Equal(log.Root(), want) {
			t.Errorf("%d leaves: root %x, want %x", n, log.Root(), want)
		}
		blocks := n / merkle.Block
		kept := 0
		for _, x := range nodes {
			if x.Level == merkle.NodeLevel {
				kept++
			}
		}
		if kept != blocks {
			t.Errorf("%d leaves: %d kept nodes of level %d, want %d", n, kept, merkle.NodeLevel, blocks)
		}
	}
	empty, err := merkle.Open(0, nil)
	if err != nil || !bytes.Equal(empty.Root(), rfc6962.DefaultHasher.EmptyRoot()) {
		t.Errorf("empty root %x, %v", empty.Root(), err)
	}
}

func TestBlocksAppendAsTheirLeaves(t *testing.T) {
	one, _ := merkle.Open(0, nil)
	all, _ := merkle.Open(0, nil)
	var leaves []merkle.Hash
	var err error
	var a, b []merkle.Node
	for i := range 5 * merkle.Block {
		hash := merkle.Sum(append(merkle.Leaf(nil), leafOf(i)...))
		if !bytes.Equal(hash[:], merkle.LeafHash(leafOf(i))) {
			t.Fatalf("leaf %d is hashed in two ways", i)
		}
		if a, err = one.Append(hash[:], a); err != nil {
			t.Fatal(err)
		}
		if leaves = append(leaves, hash); len(leaves) == merkle.Block {
			block := merkle.BlockHash(leaves)
			if b, err = all.AppendBlock(block[:], b); err != nil {
				t.Fatal(err)
			}
			leaves = leaves[:0]
		}
	}
	if !bytes.Equal(one.Root(), all.Root()) || fmt.Sprint(a) != fmt.Sprint(b) {
		t.Fatalf("roots %x and %x, nodes %v and %v", one.Root(), all.Root(), a, b)
	}
}

func TestBrokenFrontiersAreRefused(t *testing.T) {
	for _, f := range []struct {
		size  uint64
		bytes int
	}{{1, 0}, {0, 32}, {3, 32}, {1, 31}, {4, 64}} {
		if _, err := merkle.Open(f.size, make([]byte, f.bytes)); err == nil {
			t.Errorf("size %d with %d bytes was opened", f.size, f.bytes)
		}
	}
}

func TestCheckpointsAreReadAsWritten(t *testing.T) {
	secret, public, err := merkle.NewKey("demo/us-east")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	key, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		c := merkle.Checkpoint{
			Size: rapid.Uint64().Draw(rt, "size"), Root: rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "root"),
			Accounts: rapid.Uint64().Draw(rt, "accounts"), AccountRoot: rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "account root"),
		}
		signed, err := c.Sign(signer)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := merkle.OpenCheckpoint(signed, key)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c) {
			rt.Fatalf("got %+v, %v, want %+v", got, err, c)
		}
		if _, err := merkle.OpenCheckpoint(strings.Replace(signed, fmt.Sprint(c.Size), fmt.Sprint(c.Size-1), 1), key); err == nil {
			rt.Fatal("a changed checkpoint was accepted")
		}
	})
	for _, text := range []string{"", "a\n1\n", "a\nx\ny\nz\n", "a\n1\nAAAA\naccounts 1 AAAA\n", "a\n1\n" + strings.Repeat("A", 43) + "=\nentries 1 x\n"} {
		if _, err := merkle.ParseCheckpoint(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
