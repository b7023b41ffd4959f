package conformance

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Target is the server to check and how to speak to it.
type Target struct {
	URL, ClientID, Token, SigningKey string
	// Sell and Buy are currencies that it deals in.
	Sell, Buy string
	Client    *http.Client
}

const (
	maxAnswer = 1 << 20
	timeout   = 10 * time.Second
)

// exchange is one request and its answer.
type exchange struct {
	status int
	header http.Header
	body   map[string]any
	raw    []byte
}

// text is a field of the answer that must be a string.
func (e exchange) text(field string) (string, error) {
	s, ok := e.body[field].(string)
	if !ok {
		return "", fmt.Errorf("%s is %v: want a string", field, e.body[field])
	}
	return s, nil
}

// request is what is sent; what is empty is done right.
type request struct {
	method, path string
	body         any
	token        string
	stamp        string
	signature    string
}

func (t Target) send(ctx context.Context, r request) (exchange, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return exchange{}, err
		}
	}
	base, err := url.Parse(strings.TrimSuffix(t.URL, "/"))
	if err != nil || base.Host == "" {
		return exchange{}, fmt.Errorf("URL %q: want http:// or https:// and a host", t.URL)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, base.String()+r.path, bytes.NewReader(body))
	if err != nil {
		return exchange{}, err
	}
	if r.token == "" {
		r.token = t.Token
	}
	if r.stamp == "" {
		r.stamp = strconv.FormatInt(time.Now().UnixMilli(), 10)
	}
	if r.signature == "" {
		sum := sha256.Sum256(body)
		mac := hmac.New(sha256.New, []byte(t.SigningKey))
		mac.Write([]byte(r.method + "\n" + req.URL.EscapedPath() + "\n" + r.stamp + "\n" + hex.EncodeToString(sum[:])))
		r.signature = "v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("OpenFX-Client", t.ClientID)
	req.Header.Set("OpenFX-Timestamp", r.stamp)
	req.Header.Set("OpenFX-Signature", r.signature)
	client := t.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return exchange{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return exchange{}, err
	}
	e := exchange{status: resp.StatusCode, header: resp.Header, raw: raw}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&e.body); err != nil {
		return e, fmt.Errorf("status %d: answer is no JSON object: %.100q", e.status, raw)
	}
	return e, nil
}

// refused checks that an answer is a problem with the status and code.
func (e exchange) refused(status int, code string) error {
	if e.status != status {
		return fmt.Errorf("status %d: want %d (%.200q)", e.status, status, e.raw)
	}
	if got, err := e.text("code"); err != nil || got != code {
		return fmt.Errorf("code %q: want %q", got, code)
	}
	if ct := e.header.Get("Content-Type"); !strings.HasPrefix(ct, "application/problem+json") {
		return fmt.Errorf("Content-Type %q: want application/problem+json", ct)
	}
	return nil
}

func (e exchange) ok() error {
	if e.status != http.StatusOK && e.status != http.StatusCreated {
		return fmt.Errorf("status %d: want 200 or 201 (%.200q)", e.status, e.raw)
	}
	return nil
}

var errSetup = errors.New("could not get as far as what is checked")
