package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"qiantang.dev/rails/test/stage"
)

func body(corridor, key string) string {
	id := ""
	if key != "" {
		id = fmt.Sprintf(`"id":%q,`, key)
	}
	return fmt.Sprintf(`{%s"corridor":%q,"account":%q,"amount":{"currency":"USD","value":"10.00"},"beneficiary":{"name":"Hangzhou Silk","country":"CN",`+
		`"account":"6222021234567890","agentBic":"ICBKCNBJ"},"purpose":"GDDS","reference":"INV-1"}`, id, corridor, account)
}

// attack is what vegeta saw.
type attack struct {
	Latencies struct {
		P50  time.Duration `json:"50th"`
		P95  time.Duration `json:"95th"`
		P99  time.Duration `json:"99th"`
		Mean time.Duration `json:"mean"`
		Max  time.Duration `json:"max"`
	} `json:"latencies"`
	Requests   int64          `json:"requests"`
	Throughput float64        `json:"throughput"`
	Success    float64        `json:"success"`
	Codes      map[string]int `json:"status_codes"`
	Errors     []string       `json:"errors"`
	// CPU that vegeta itself used.
	CPU time.Duration `json:"-"`
}

// vegetaAttack sends payments, each under a key of its own, over so many connections, as fast as they are answered. A payment that is
// not answered with 201 is an error.
func vegetaAttack(ctx context.Context, s *stand, tag string, connections int, d time.Duration) (*attack, error) {
	dir, err := os.MkdirTemp("", "qiantang-vegeta-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	results := filepath.Join(dir, "results")
	n := fmt.Sprint(connections)
	ctx, cancel := context.WithTimeout(ctx, d+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, *vegeta, "attack", "-format=json", "-rate=0", "-workers="+n, "-max-workers="+n, "-connections="+n, "-max-body=0",
		"-duration="+d.String(), "-output="+results)
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go writeTargets(in, s.url, tag, int(d.Seconds()*mostPerSecond))
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("vegeta: %w: %s", err, said.String())
	}
	out, err := exec.CommandContext(ctx, *vegeta, "report", "-type=json", results).Output()
	if err != nil {
		return nil, fmt.Errorf("vegeta report: %w", err)
	}
	var a attack
	if err := json.Unmarshal(out, &a); err != nil {
		return nil, err
	}
	a.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if a.Requests > int64(d.Seconds()*mostPerSecond) {
		return &a, fmt.Errorf("%d payments in %s: more than there were keys", a.Requests, d)
	}
	if a.Success != 1 || a.Codes["201"] != int(a.Requests) {
		return &a, fmt.Errorf("not every payment was answered with 201: %v %v", a.Codes, a.Errors)
	}
	return &a, nil
}

// mostPerSecond is more payments than can be answered: vegeta reads its targets before it begins, so that reading them takes no time from
// what is measured, and would begin with the first again after the last.
const mostPerSecond = 8000

// writeTargets writes n targets, each with a key of its own.
func writeTargets(in io.WriteCloser, url, tag string, n int) {
	defer func() { _ = in.Close() }()
	payload := base64.StdEncoding.EncodeToString([]byte(body(stage.Corridor, "")))
	w := bufio.NewWriterSize(in, 64<<10)
	defer func() { _ = w.Flush() }()
	for i := range n {
		_, err := fmt.Fprintf(w, `{"method":"POST","url":"%s/v1/payments","header":{"Content-Type":["application/json"],"Idempotency-Key":["%s-%d"]},"body":"%s"}`+"\n",
			url, tag, i, payload)
		if err != nil {
			return
		}
	}
}

// batch sends n lines in one call and times it until the last result.
func batch(ctx context.Context, s *stand, tag string, n int) (time.Duration, error) {
	var lines bytes.Buffer
	for i := range n {
		lines.WriteString(body(stage.Corridor, fmt.Sprintf("%s-%d", tag, i)))
		lines.WriteByte('\n')
	}
	begin := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/batches", &lines)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	made := 0
	scan := bufio.NewScanner(resp.Body)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		if !bytes.Contains(scan.Bytes(), []byte(`"code":201`)) {
			return 0, fmt.Errorf("batch: %s", scan.Text())
		}
		made++
	}
	if err := scan.Err(); err != nil || made != n {
		return 0, fmt.Errorf("batch: %d results of %d: %w", made, n, err)
	}
	return time.Since(begin), nil
}
