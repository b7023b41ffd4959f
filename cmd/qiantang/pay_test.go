package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// payServer answers as a routing worker does, and remembers what it was sent.
func payServer(t *testing.T) (url string, sent map[string]string) {
	t.Helper()
	sent = map[string]string{}
	mux := http.NewServeMux()
	answer := func(pattern, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			sent[r.URL.Path] = r.Header.Get("Content-Type") + " " + string(b)
			_, _ = io.WriteString(w, body)
		})
	}
	answer("POST /v1/accounts", `{"id":"customer:acme:USD"}`)
	answer("POST /v1/deposits", `{"amount":{"currency":"USD","value":"10.00"}}`)
	answer("GET /v1/payments", `{"payments":[]}`)
	answer("POST /v1/iso20022", `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10"/>`)
	answer("POST /v1/batches", `{"line":1,"code":201,"payment":{"corridor":"us-cn","route":{"provider":"antom","rail":"cips"}}}
{"line":2,"code":422,"problem":{"type":"https://qiantang.dev/problems/insufficient-funds","title":"Unprocessable Entity","status":422,"detail":"too little"}}
`)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL, sent
}

func TestPayFundsSendsAndSumsUp(t *testing.T) {
	url, sent := payServer(t)
	c := newPayCommand()
	var out strings.Builder
	c.SetOut(&out)
	c.SetIn(strings.NewReader("\uFEFFid,corridor\n1,us-cn\n"))
	c.SetArgs([]string{"--url", url, "--file", "-", "--fund", "acme:USD:10.00", "--wait", "10s"})
	if err := c.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"funded customer:acme:USD", "1 accepted, 1 refused", "antom", "insufficient-funds", "too little", "have an outcome"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if !strings.HasPrefix(sent["/v1/batches"], "text/csv ") {
		t.Errorf("sent %q", sent["/v1/batches"])
	}
}

func TestPayTellsFormatsApart(t *testing.T) {
	url, sent := payServer(t)
	for body, want := range map[string]string{" {\"id\":1}": "application/x-ndjson", "id\n": "text/csv"} {
		c := newPayCommand()
		c.SetOut(io.Discard)
		c.SetIn(strings.NewReader(body))
		c.SetArgs([]string{"--url", url, "--file", "-"})
		if err := c.ExecuteContext(t.Context()); err != nil || !strings.HasPrefix(sent["/v1/batches"], want) {
			t.Errorf("%q: %v, sent as %q", body, err, sent["/v1/batches"])
		}
	}
}

func TestPayShowsAnAnswerThatIsNothingToAddUpAsItIs(t *testing.T) {
	url, sent := payServer(t)
	c := newPayCommand()
	var out strings.Builder
	c.SetOut(&out)
	c.SetIn(strings.NewReader("<Document/>"))
	c.SetArgs([]string{"--url", url, "--file", "-"})
	if err := c.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), "pacs.002.001.10") || strings.Contains(out.String(), "accepted") {
		t.Errorf("%v: %s", err, out.String())
	}
	if sent["/v1/iso20022"] != "application/xml <Document/>" {
		t.Errorf("sent %q", sent["/v1/iso20022"])
	}
}

func TestPayRefusesWhatItCannotSend(t *testing.T) {
	url, _ := payServer(t)
	for want, args := range map[string][]string{
		"--file":   {"--url", url},
		"--url":    {"--url", "nowhere", "--file", "-"},
		"--fund":   {"--url", url, "--fund", "acme"},
		"--format": {"--url", url, "--file", "-", "--format", "xlsx"},
		"--output": {"--url", url, "--file", "-", "--output", "pdf"},
		"empty":    {"--url", url, "--file", "-"},
		"no such":  {"--url", url, "--file", "/no/such/file"},
	} {
		c := newPayCommand()
		c.SilenceUsage, c.SilenceErrors = true, true
		c.SetOut(io.Discard)
		c.SetIn(strings.NewReader(""))
		c.SetArgs(args)
		if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
