package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qiantang.dev/rails/pkg/client"
)

func TestATokenIsReadForEachRequest(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		if r.URL.Path == "/v1/batches" {
			return
		}
		_, _ = w.Write([]byte("{}"))
	}))
	t.Cleanup(server.Close)
	plain, err := client.New(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "token")
	api := plain.WithToken(client.TokenFile(path))
	if _, err := api.Corridors(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
	for _, token := range []string{"one\n", "two"} {
		if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := api.Corridors(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range api.Batch(t.Context(), client.CSV, strings.NewReader("")) {
		t.Errorf("batch: %v", err)
	}
	if _, err := plain.Corridors(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := "Bearer one,Bearer two,Bearer two,"; strings.Join(got, ",") != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Corridors(t.Context()); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty file: %v", err)
	}
	none := errors.New("no token today")
	failing := plain.WithToken(func(context.Context) (string, error) { return "", none })
	for _, err := range failing.Batch(t.Context(), client.CSV, strings.NewReader("")) {
		if !errors.Is(err, none) {
			t.Errorf("batch: %v", err)
		}
	}
}
