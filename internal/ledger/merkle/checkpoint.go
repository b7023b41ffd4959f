package merkle

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint says what the books are at a size: it is the text that is signed, in the form of C2SP tlog-checkpoint with one extension
// line for the accounts' log.
type Checkpoint struct {
	// Origin names the log: the signing key's name.
	Origin      string
	Size        uint64
	Root        []byte
	Accounts    uint64
	AccountRoot []byte
}

// Text is the note's text.
func (c *Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\naccounts %d %s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root),
		c.Accounts, base64.StdEncoding.EncodeToString(c.AccountRoot))
}

// Sign signs c in the signer's name.
func (c *Checkpoint) Sign(signer note.Signer) (string, error) {
	c.Origin = signer.Name()
	b, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	if err != nil {
		return "", fmt.Errorf("sign checkpoint: %w", err)
	}
	return string(b), nil
}

// OpenCheckpoint verifies a signed checkpoint with the key and reads it.
func OpenCheckpoint(signed string, key note.Verifier) (Checkpoint, error) {
	n, err := note.Open([]byte(signed), note.VerifierList(key))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint's signature by %s: %w", key.Name(), err)
	}
	return ParseCheckpoint(n.Text)
}

// ParseCheckpoint reads a checkpoint's text, signed or not, without verifying anything.
func ParseCheckpoint(text string) (Checkpoint, error) {
	fail := func(why string) (Checkpoint, error) { return Checkpoint{}, fmt.Errorf("checkpoint: %s", why) }
	lines := strings.SplitN(text, "\n", 5)
	if len(lines) < 5 {
		return fail("fewer than four lines")
	}
	c := Checkpoint{Origin: lines[0]}
	var err error
	if c.Size, err = strconv.ParseUint(lines[1], 10, 64); err != nil {
		return fail("size " + strconv.Quote(lines[1]) + " is not a number")
	}
	if c.Root, err = base64.StdEncoding.DecodeString(lines[2]); err != nil || len(c.Root) != HashSize {
		return fail("root " + strconv.Quote(lines[2]) + " is not a hash")
	}
	f := strings.Fields(lines[3])
	if len(f) != 3 || f[0] != "accounts" {
		return fail("line " + strconv.Quote(lines[3]) + " is not about the accounts")
	}
	if c.Accounts, err = strconv.ParseUint(f[1], 10, 64); err != nil {
		return fail("accounts " + strconv.Quote(f[1]) + " is not a number")
	}
	if c.AccountRoot, err = base64.StdEncoding.DecodeString(f[2]); err != nil || len(c.AccountRoot) != HashSize {
		return fail("root " + strconv.Quote(f[2]) + " is not a hash")
	}
	return c, nil
}

// NewKey makes an ed25519 key pair in the notes' own form; name is the ledger's, such as "demo/us-east".
func NewKey(name string) (secret, public string, err error) {
	return note.GenerateKey(rand.Reader, name)
}
