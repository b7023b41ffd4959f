package sim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// keys is the simulator's key material: both sides' for what is signed both ways, as a provider's onboarding would hand out.
type keys struct {
	lianLianClient, lianLianWebhook, antomClient, antomServer *rsa.PrivateKey
	secrets                                                   map[string]string
}

// The files of a key directory. Each is also a key of the Secret from which several simulators share them.
const (
	fileLianLianClient  = "lianlian-client.pem"
	fileLianLianWebhook = "lianlian-webhook.pem"
	fileAntomClient     = "antom-client.pem"
	fileAntomServer     = "antom-server.pem"
)

var secretFiles = []string{"pingpong-token", "pingpong-signing-key", "lianlian-master-token", "openfx-token", "openfx-signing-key", "quote-key"}

// Names that are no secret.
const (
	clientPingPong  = "QIANTANG-DEMO"
	appPingPong     = "qiantang-demo-app"
	developer       = "qiantang-demo"
	clientAntom     = "SANDBOX_5Y00000000000001"
	clientOpenFX    = "qiantang-demo"
	rsaBits         = 2048
	privatePEM      = "PRIVATE KEY"
	publicPEM       = "PUBLIC KEY"
	keyDirPerm      = 0o700
	keyFilePerm     = 0o600
	secretByteCount = 24
)

// loadKeys reads the directory's keys, and makes and writes those that are missing. An empty directory name makes all in memory.
func loadKeys(dir string) (*keys, error) {
	if dir != "" {
		if err := os.MkdirAll(dir, keyDirPerm); err != nil {
			return nil, fmt.Errorf("keys: %w", err)
		}
	}
	k := &keys{secrets: map[string]string{}}
	rsaKeys := map[string]**rsa.PrivateKey{fileLianLianClient: &k.lianLianClient, fileLianLianWebhook: &k.lianLianWebhook,
		fileAntomClient: &k.antomClient, fileAntomServer: &k.antomServer}
	var wg sync.WaitGroup
	failures := make(chan error, len(rsaKeys))
	for name, into := range rsaKeys {
		wg.Go(func() {
			b, err := stored(dir, name, func() ([]byte, error) {
				key, err := rsa.GenerateKey(rand.Reader, rsaBits)
				if err != nil {
					return nil, err
				}
				return encodePrivate(key)
			})
			if err == nil {
				*into, err = decodePrivate(b)
			}
			if err != nil {
				failures <- fmt.Errorf("key %s: %w", name, err)
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failures:
		return nil, err
	default:
	}
	for _, name := range secretFiles {
		b, err := stored(dir, name, func() ([]byte, error) {
			raw := make([]byte, secretByteCount)
			_, err := rand.Read(raw)
			return []byte(hex.EncodeToString(raw)), err
		})
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", name, err)
		}
		k.secrets[name] = strings.TrimSpace(string(b))
		if len(k.secrets[name]) < 16 {
			return nil, fmt.Errorf("key %s: shorter than 16 characters", name)
		}
	}
	return k, nil
}

// stored reads a file of the directory, or makes its content and writes it. Whoever writes first wins, so that simulators which start
// together on one directory share keys.
func stored(dir, name string, fresh func() ([]byte, error)) ([]byte, error) {
	if dir == "" {
		return fresh()
	}
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	if b, err = fresh(); err != nil {
		return nil, err
	}
	temp, err := os.CreateTemp(dir, "."+name+"-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.Write(b)
	if err = errors.Join(err, temp.Chmod(keyFilePerm), temp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

func encodePrivate(k *rsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: privatePEM, Bytes: der}), nil
}

func decodePrivate(b []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("not PEM")
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := k.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, errors.New("not an RSA private key (PKCS #8)")
	}
	return private, nil
}

func encodePublic(k *rsa.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		return nil // an RSA public key can always be written
	}
	return pem.EncodeToMemory(&pem.Block{Type: publicPEM, Bytes: der})
}

// Credentials are what a client of each simulated provider needs: the data of the Secret by adapter name (PingPong, LianLian, Antom, OpenFX).
func (s *Simulator) Credentials() map[string]map[string][]byte {
	text := func(name string) []byte { return []byte(s.keys.secrets[name]) }
	private := func(k *rsa.PrivateKey) []byte {
		b, err := encodePrivate(k)
		if err != nil {
			return nil // it was read from this form
		}
		return b
	}
	return map[string]map[string][]byte{
		"PingPong": {"clientId": []byte(clientPingPong), "appId": []byte(appPingPong), "token": text("pingpong-token"),
			"signingKey": text("pingpong-signing-key")},
		"LianLian": {"developerId": []byte(developer), "masterToken": text("lianlian-master-token"),
			"privateKey": private(s.keys.lianLianClient), "webhookPublicKey": encodePublic(&s.keys.lianLianWebhook.PublicKey)},
		"Antom": {"clientId": []byte(clientAntom), "privateKey": private(s.keys.antomClient),
			"antomPublicKey": encodePublic(&s.keys.antomServer.PublicKey)},
		"OpenFX": {"clientId": []byte(clientOpenFX), "token": text("openfx-token"), "signingKey": text("openfx-signing-key")},
	}
}

// KeyFiles is the key material by file name: what a Secret mounted at --keys must hold for another simulator to share it.
func (s *Simulator) KeyFiles() (map[string][]byte, error) {
	out := map[string][]byte{}
	for name, k := range map[string]*rsa.PrivateKey{fileLianLianClient: s.keys.lianLianClient, fileLianLianWebhook: s.keys.lianLianWebhook,
		fileAntomClient: s.keys.antomClient, fileAntomServer: s.keys.antomServer} {
		b, err := encodePrivate(k)
		if err != nil {
			return nil, err
		}
		out[name] = b
	}
	for name, v := range s.keys.secrets {
		out[name] = []byte(v)
	}
	return out, nil
}
