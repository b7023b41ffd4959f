package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
)

// TLSFiles are PEM files that a client connects with by TLS.
type TLSFiles struct {
	// CA holds the certificates of the authorities that the worker's certificate must be of; empty: those that the system trusts.
	CA string
	// Certificate and Key are the client's own, where it shows a certificate; both or none.
	Certificate, Key string
}

// Transport connects with the files, for the http.Client that New takes. Certificate and Key are read again with each connection, so that
// a renewed one is shown without a restart; CA is read once.
func (f TLSFiles) Transport() (*http.Transport, error) {
	if (f.Certificate == "") != (f.Key == "") {
		return nil, errors.New("a certificate and its key are needed both, or neither")
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate in PEM", f.CA)
		}
	}
	if f.Certificate != "" {
		load := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
			if err != nil {
				return nil, fmt.Errorf("%s and %s: %w", f.Certificate, f.Key, err)
			}
			return &pair, nil
		}
		if _, err := load(nil); err != nil {
			return nil, err
		}
		config.GetClientCertificate = load
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = config
	return t, nil
}
