package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/pflag"

	"qiantang.dev/rails/pkg/client"
)

// callFlags say how a command calls a worker's API.
type callFlags struct {
	token string
	tls   client.TLSFiles
}

func (f *callFlags) add(fl *pflag.FlagSet) {
	fl.StringVar(&f.token, "token-file", "", "file with a bearer token, for regions whose API asks who is calling; read for each request")
	fl.StringVar(&f.tls.CA, "ca-file", "", "file (PEM) with the authorities that the region's certificate must be of; unset, those that the system trusts")
	fl.StringVar(&f.tls.Certificate, "client-cert", "", "file (PEM) with the certificate to show, for regions that take one instead of a token; needs --client-key")
	fl.StringVar(&f.tls.Key, "client-key", "", "file (PEM) with that certificate's key")
}

// http is the client to call with.
func (f *callFlags) http() (*http.Client, error) {
	if f.tls == (client.TLSFiles{}) {
		return &http.Client{Timeout: 30 * time.Second}, nil
	}
	t, err := f.tls.Transport()
	if err != nil {
		return nil, fmt.Errorf("--ca-file, --client-cert, --client-key: %w", err)
	}
	return &http.Client{Timeout: 30 * time.Second, Transport: t}, nil
}

// open makes a client of the API at base that calls as the flags say.
func (f *callFlags) open(base string) (*client.Client, error) {
	caller, err := f.http()
	if err != nil {
		return nil, err
	}
	api, err := client.New(base, caller)
	if err != nil {
		return nil, fmt.Errorf("--url: %w", err)
	}
	if f.token != "" {
		api = api.WithToken(client.TokenFile(f.token))
	}
	return api, nil
}
