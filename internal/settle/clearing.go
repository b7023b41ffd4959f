package settle

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"qiantang.dev/rails/internal/iso20022"
)

// The clearing system may take this long to answer, and say this much.
const (
	clearingTimeout = 30 * time.Second
	maxAnswer       = 4 << 20
)

// answer is what a clearing system said about a message. The zero answer says that it is not final yet.
type answer struct {
	status string // StatusAccepted, StatusRejected; empty: not yet
	// rejected are the transfers refused, where others were not.
	rejected []int
	reason   string
}

// clearing talks to a clearing system over HTTP: a pacs.009 is sent by POST to its endpoint, and asked for by GET below it, at
// messages/<MsgId>; both are answered with a pacs.002. Sending the same message again is safe: it is known by its MsgId.
type clearing struct {
	client   *http.Client
	endpoint string
}

func (c clearing) send(ctx context.Context, m *message, document []byte) (answer, error) {
	status, body, err := c.call(ctx, http.MethodPost, c.endpoint, m.ID, document)
	if err != nil {
		return answer{}, err
	}
	switch status {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusBadRequest, http.StatusUnprocessableEntity:
		return judge(m, status, body)
	}
	// Among them 409: the MsgId was used with other content, and what became of that is not ours to guess.
	return answer{}, fmt.Errorf("clearing system answered %s with status %d: %.200q", m.ID, status, body)
}

// ask returns known false where the clearing system never saw the message.
func (c clearing) ask(ctx context.Context, m *message) (a answer, known bool, err error) {
	to := strings.TrimSuffix(c.endpoint, "/") + "/messages/" + url.PathEscape(m.ID)
	status, body, err := c.call(ctx, http.MethodGet, to, m.ID, nil)
	switch {
	case err != nil:
		return answer{}, false, err
	case status == http.StatusNotFound:
		return answer{}, false, nil
	case status != http.StatusOK:
		return answer{}, false, fmt.Errorf("clearing system answered a question about %s with status %d: %.200q", m.ID, status, body)
	}
	a, err = judge(m, status, body)
	return a, true, err
}

func (c clearing) call(ctx context.Context, method, to, id string, document []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, clearingTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(document))
	if err != nil {
		return 0, nil, fmt.Errorf("clearing system: %w", err)
	}
	req.Header.Set("Accept", "application/xml")
	if document != nil {
		req.Header.Set("Content-Type", "application/xml; charset=UTF-8")
		req.Header.Set("Idempotency-Key", id)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("clearing system: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return 0, nil, fmt.Errorf("clearing system's answer about %s: %w", id, err)
	}
	if len(body) > maxAnswer {
		return 0, nil, fmt.Errorf("clearing system's answer about %s is longer than %d bytes", id, maxAnswer)
	}
	return resp.StatusCode, body, nil
}

// judge reads a pacs.002 about m.
func judge(m *message, status int, body []byte) (answer, error) {
	report, _, err := iso20022.ReadPacs002(string(body))
	if err != nil {
		return answer{}, fmt.Errorf("clearing system's answer about %s (status %d): %w", m.ID, status, err)
	}
	for _, g := range report.Groups {
		if g.MessageID != m.ID {
			continue
		}
		switch g.Status {
		case "ACSC", "ACCC":
			return answer{status: StatusAccepted}, nil
		case "RJCT":
			return answer{status: StatusRejected, reason: why(g.Reasons)}, nil
		case "PART":
			return parts(m, report), nil
		}
		return answer{}, nil
	}
	return answer{}, fmt.Errorf("clearing system's answer does not speak of %s", m.ID)
}

// parts judges a message of which some transfers were rejected: it is final when each of its transfers is.
func parts(m *message, report *iso20022.Pacs002) answer {
	states := map[string]iso20022.BankState{}
	for _, t := range report.Transfers {
		states[t.OriginalInstructionID] = t
	}
	a := answer{status: StatusRejected}
	for i := range m.Count {
		t := states[transferID(m.ID, i)]
		switch t.Status {
		case "ACSC", "ACCC":
		case "RJCT":
			a.rejected = append(a.rejected, i)
			if a.reason == "" {
				a.reason = why(t.Reasons)
			}
		default:
			return answer{}
		}
	}
	if len(a.rejected) == 0 {
		a.status = StatusAccepted
	}
	return a
}

func why(reasons []iso20022.Reason) string {
	var all []string
	for _, r := range reasons {
		if v := r.Reason.Value(); v != "" {
			all = append(all, v)
		}
		all = append(all, r.Additional...)
	}
	if len(all) == 0 {
		return "no reason given"
	}
	return clip(strings.Join(all, " "), 300)
}
