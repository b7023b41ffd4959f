package fx

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// Credentials are the region's secrets, by plan.Provider.Credentials and then by the key inside.
type Credentials map[string]map[string][]byte

// Secrets is one provider's credentials while an adapter takes what it needs of them. Its errors name keys, never values.
type Secrets struct {
	provider string
	data     map[string][]byte
	err      error
}

// NewSecrets wraps data, which may be nil.
func NewSecrets(provider string, data map[string][]byte) *Secrets {
	return &Secrets{provider: provider, data: data}
}

// Err is the first thing that was wrong with what was taken.
func (s *Secrets) Err() error { return s.err }

// Text takes a credential that is text, trimmed of the line ends that files have.
func (s *Secrets) Text(key string) string {
	v := strings.TrimSpace(string(s.data[key]))
	if v == "" {
		s.fail(key, "is missing")
	}
	return v
}

// Optional takes a credential that may be absent.
func (s *Secrets) Optional(key string) string { return strings.TrimSpace(string(s.data[key])) }

// PrivateKey takes an RSA private key of at least 2048 bits in PEM, PKCS #8 or #1.
func (s *Secrets) PrivateKey(key string) *rsa.PrivateKey {
	block := s.block(key)
	if block == nil {
		return nil
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if k, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			s.fail(key, "is not an RSA private key in PEM (PKCS #8 or #1)")
			return nil
		}
	}
	private, ok := k.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < 2048 {
		s.fail(key, "is not an RSA private key of at least 2048 bits")
		return nil
	}
	return private
}

// PublicKey takes an RSA public key of at least 2048 bits in PEM (PKIX).
func (s *Secrets) PublicKey(key string) *rsa.PublicKey {
	block := s.block(key)
	if block == nil {
		return nil
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	public, ok := k.(*rsa.PublicKey)
	if err != nil || !ok || public.N.BitLen() < 2048 {
		s.fail(key, "is not an RSA public key of at least 2048 bits in PEM (PKIX)")
		return nil
	}
	return public
}

func (s *Secrets) block(key string) *pem.Block {
	if len(s.data[key]) == 0 {
		s.fail(key, "is missing")
		return nil
	}
	block, _ := pem.Decode(s.data[key])
	if block == nil {
		s.fail(key, "is not PEM")
	}
	return block
}

func (s *Secrets) fail(key, why string) {
	if s.err == nil {
		s.err = fmt.Errorf("provider %s: credential %q %s", s.provider, key, why)
	}
}
