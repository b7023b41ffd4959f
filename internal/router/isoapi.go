package router

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/router/isomsg"
	"qiantang.dev/rails/pkg/client"
)

const typeXML = "application/xml"

// Bounds of messages, in bytes. Messages between agents hold one payment; no network takes longer ones.
const (
	maxBankMessage = 100 << 10
	// smallMessage is what any number of requests may send at once; longer ones, or of a length that is not told, wait for one of
	// largeMessages places.
	smallMessage  = 256 << 10
	largeMessages = 4
)

// isoTaken are the messages that are taken, by what a problem names them.
var isoTaken = []string{iso20022.IDPain001, iso20022.IDPacs008, iso20022.IDPacs004, iso20022.IDPacs002, iso20022.IDCamt056}

// isoBody is a message on its way in: it is read as far as it can still become one.
type isoBody struct {
	body   io.Reader
	length int64 // -1: not told
	// taken lifts the time limit of reading: what comes after may take longer.
	taken func()
}

// Resolve keeps the body for the handler.
func (b *isoBody) Resolve(ctx huma.Context) []error {
	_ = ctx.SetReadDeadline(time.Now().Add(batchIdle)) // where the connection has deadlines
	b.taken = func() { _ = ctx.SetReadDeadline(time.Time{}) }
	b.body, b.length = ctx.BodyReader(), -1
	if n, err := strconv.ParseInt(ctx.Header("Content-Length"), 10, 64); err == nil {
		b.length = n
	}
	return nil
}

func (r *Router) registerISO(api huma.API) {
	xml := map[string]*huma.MediaType{typeXML: {Schema: &huma.Schema{Type: huma.TypeString}}}
	huma.Register(api, huma.Operation{
		OperationID: "iso20022", Method: http.MethodPost, Path: "/v1/iso20022", Tags: []string{"payments"},
		Summary: "Take an ISO 20022 message, and answer it with one",
		Description: "By the Document's namespace: pain.001.001.09 is answered with pain.002.001.10; pacs.008.001.08 and pacs.004.001.09 with " +
			"pacs.002.001.10; camt.056.001.08 with camt.029.001.09; pacs.002.001.10 with 202 and nothing. With its header (head.001.001.02) in " +
			"an Envelope of " + isomsg.EnvelopeNamespace + ", the answer comes in one too. Messages between agents are held to CBPR+. " +
			"Sent again, a message gets the same answer. Where something could not be decided now, the whole answer is 503: send the message again.",
		RequestBody: &huma.RequestBody{Required: true, Content: xml},
		Responses: map[string]*huma.Response{
			"200": {Description: "The answer", Content: xml},
			"202": {Description: "Taken; nothing answers it"},
		},
		Errors: []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity,
			http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *isoBody) (*stored, error) {
		doc, release, prob := r.readMessage(ctx, in)
		if prob != nil {
			return nil, httpError(prob)
		}
		defer release()
		answer, prob := r.answerTo(ctx, doc)
		switch {
		case prob != nil:
			return nil, httpError(prob)
		case answer == nil:
			return &stored{Status: http.StatusAccepted}, nil
		}
		return &stored{Status: http.StatusOK, ContentType: typeXML, Body: answer}, nil
	})
	r.registerMessages(api, xml)
}

// readMessage reads a body, refusing at its first bytes what cannot become a message. Long ones wait for a place, which release gives back.
func (r *Router) readMessage(ctx context.Context, in *isoBody) (doc string, release func(), prob *client.Problem) {
	release = func() {}
	if in.length > maxISOBody {
		return "", nil, tooLong(in.length, maxISOBody)
	}
	if in.length < 0 || in.length > smallMessage {
		if prob := r.placeForMessage(ctx); prob != nil {
			return "", nil, prob
		}
		release = func() { <-r.messages }
	}
	doc, err := iso20022.Load(in.body, maxISOBody)
	if err == nil {
		in.taken() // or the connection's end would be seen where only its time ran out
		return doc, release, nil
	}
	release()
	var bad *iso20022.Error
	switch {
	case errors.As(err, &bad) && bad.Offset == maxISOBody:
		return "", nil, tooLong(-1, maxISOBody)
	case bad != nil:
		return "", nil, misread(bad)
	}
	return "", nil, problem(http.StatusBadRequest, codeMalformed, "the message could not be read to its end: "+err.Error())
}

func (r *Router) placeForMessage(ctx context.Context) *client.Problem {
	wait := time.NewTimer(r.pace.Admit)
	defer wait.Stop()
	select {
	case r.messages <- struct{}{}:
		return nil
	case <-ctx.Done():
	case <-wait.C:
	}
	r.metrics.busy.Inc()
	return unavailable(codeBusy, fmt.Sprintf("%d long messages are being read; send the same message again", cap(r.messages)), time.Second)
}

func tooLong(length, most int64) *client.Problem {
	var value any
	if length >= 0 {
		value = length
	}
	return problem(http.StatusRequestEntityTooLarge, codeTooLarge, fmt.Sprintf("the message is longer than %d bytes", most),
		field("body", value, "at most %d bytes", most))
}

// answerTo acts on a message and gives its answer, nil for none. A problem says that nothing was decided.
func (r *Router) answerTo(ctx context.Context, doc string) ([]byte, *client.Problem) {
	s := r.snap.Load()
	if s == nil {
		return nil, unavailable(codeNotReady, "no plan to serve yet", time.Second)
	}
	m, err := isomsg.Open(doc)
	if err != nil {
		prob := r.unreadable(err)
		prob.Detail = "not a message that is taken here; taken are " + strings.Join(isoTaken, ", ")
		return nil, prob
	}
	if m.Definition != iso20022.IDPain001 && len(doc) > maxBankMessage && slices.Contains(isoTaken, m.Definition) {
		return nil, tooLong(int64(len(doc)), maxBankMessage)
	}
	x := &incoming{Router: r, s: s, m: m}
	switch m.Definition {
	case iso20022.IDPain001:
		return x.takeInitiation(ctx)
	case iso20022.IDPacs008:
		return x.takeTransfer(ctx)
	case iso20022.IDPacs004:
		return x.takeReturn(ctx)
	case iso20022.IDCamt056:
		return x.takeRecall(ctx)
	case iso20022.IDPacs002:
		return nil, x.takeStatus(ctx)
	}
	return nil, invalid(field("body/Document", isomsg.Namespace(m.Definition), "not taken here; taken are %s", strings.Join(isoTaken, ", ")))
}

// incoming is one message and what it is read by.
type incoming struct {
	*Router
	s *snapshot
	m *isomsg.Message
}

// unreadable is a problem of an error in a document.
func (r *Router) unreadable(err error) *client.Problem {
	var bad *iso20022.Error
	if !errors.As(err, &bad) {
		return r.classify(err)
	}
	return misread(bad)
}

func misread(bad *iso20022.Error) *client.Problem {
	var value any
	if bad.Value != "" {
		value = bad.Value
	}
	return invalid(field("body"+bad.Path, value, "%s (byte %d)", bad.Why, bad.Offset))
}

// unread is a problem of an error in the message's Document.
func (x *incoming) unread(err error) *client.Problem {
	return x.unreadable(x.m.Placed(err, x.m.Document))
}

// judged lists every breach of CBPR+ by a message, root being the element below Document, and by its header, where it has one.
func (x *incoming) judged(root string, found []cbpr.Violation, e cbpr.Envelope) *client.Problem {
	var all []client.FieldError
	add := func(prefix string, found []cbpr.Violation) {
		for _, v := range found {
			var value any
			if v.Value != "" {
				value = v.Value
			}
			all = append(all, field(prefix+v.Path, value, "CBPR+: %s", v.Rule))
		}
	}
	if x.m.Header != nil {
		add("body/", cbpr.CheckHeader(x.m.Header, e))
	}
	add("body/Document/"+root+"/", found)
	if len(all) == 0 {
		return nil
	}
	return invalid(all...)
}

// addressed checks that a message is for us; where is the element that says whom it is for.
func (x *incoming) addressed(where, to string) (string, *client.Problem) {
	self, prob := x.s.bic(x.s.region.Self, "which this institution is")
	if prob != nil {
		return "", prob
	}
	if !isomsg.SameBIC(to, self) {
		return "", invalid(field("body/Document/"+where, to, "not for us: this institution is %s", self))
	}
	return to, nil // as we were called: the answer's header must say the same
}

// sealed writes an answer between two agents, with a header where the message had one.
func (x *incoming) sealed(w isomsg.Writer, definition, id, created string, b isomsg.Between) ([]byte, *client.Problem) {
	var h *iso20022.Header
	if x.m.Header != nil {
		h = isomsg.Head(definition, id, created, b.From, b.To, x.m.Header)
	}
	out, err := isomsg.Seal(h, w)
	if err != nil {
		return nil, x.classify(fmt.Errorf("write %s: %w", definition, err))
	}
	return out, nil
}

// reported is a report as the answer.
func (x *incoming) reported(report *isomsg.Report) ([]byte, *client.Problem) {
	out, err := report.Pacs002()
	if err != nil {
		return nil, x.classify(fmt.Errorf("write pacs.002: %w", err))
	}
	return x.sealed(out, iso20022.IDPacs002, out.MessageID, out.Created, report.Between)
}
