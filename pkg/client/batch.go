package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
)

// The types of a batch.
const (
	CSV    = "text/csv"
	NDJSON = "application/x-ndjson"
)

// Batch sends the lines of body, a CSV or NDJSON batch, and yields the results while it sends, in the order of the lines. It keeps
// neither in memory. It is not retried: a batch that was cut off may be sent again whole, for its lines have keys.
func (c *Client) Batch(ctx context.Context, kind string, body io.Reader) iter.Seq2[BatchResult, error] {
	return func(yield func(BatchResult, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/v1/batches", body)
		if err != nil {
			yield(BatchResult{}, fmt.Errorf("batch: %w", err))
			return
		}
		req.Header.Set("Content-Type", kind)
		if err := c.authorize(req); err != nil {
			yield(BatchResult{}, fmt.Errorf("batch: %w", err))
			return
		}
		unlimited := *c.http
		unlimited.Timeout = 0 // a batch takes as long as it takes; ctx bounds it
		resp, err := unlimited.Do(req)
		if err != nil {
			yield(BatchResult{}, fmt.Errorf("batch: %w", err))
			return
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
			if err != nil {
				err = fmt.Errorf("batch: %w", err)
			} else {
				err = readProblem(resp, answer)
			}
			yield(BatchResult{}, err)
			return
		}
		dec := json.NewDecoder(resp.Body)
		for {
			var r BatchResult
			err := dec.Decode(&r)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(BatchResult{}, fmt.Errorf("batch: result: %w", err))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}
