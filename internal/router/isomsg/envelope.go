package isomsg

import (
	"errors"
	"fmt"
	"strings"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/codec"
	"qiantang.dev/rails/internal/iso20022/schema"
)

// EnvelopeNamespace is the namespace of the Envelope that holds an AppHdr and a Document, as SWIFT has it.
const EnvelopeNamespace = "urn:swift:xsd:envelope"

// Message is a message as it came: a Document by itself, or one in an Envelope with its business application header.
type Message struct {
	// Definition is the message that the Document's namespace names, such as pacs.008.001.08.
	Definition string
	// Header is nil where the Document came by itself.
	Header *iso20022.Header
	// Document is the text of the Document, unread as yet.
	Document string

	whole string
}

// Open takes a message out of its envelope, where it has one, and says which it is. Errors are *iso20022.Error.
func Open(doc string) (*Message, error) {
	name, namespace, err := codec.Root(doc)
	if err != nil {
		return nil, err
	}
	m := &Message{Document: doc, whole: doc}
	switch {
	case name == "Document":
	case name == "Envelope" && namespace == EnvelopeNamespace:
		var header string
		if header, m.Document, err = codec.Split(doc); err != nil {
			return nil, err
		}
		if header == "" {
			return nil, &iso20022.Error{Path: "/Envelope", Why: "AppHdr is missing"}
		}
		if m.Header, _, err = iso20022.ReadHeader(header); err != nil {
			return nil, m.Placed(err, header)
		}
	default:
		return nil, &iso20022.Error{Path: "/" + name, Value: namespace, Why: "want a Document, or an Envelope in " + EnvelopeNamespace}
	}
	if m.Definition, err = iso20022.Identify(m.Document); err != nil {
		return nil, m.Placed(err, m.Document)
	}
	return m, nil
}

// Placed is an error in a part of the message with its offset in the whole.
func (m *Message) Placed(err error, part string) error {
	var at *iso20022.Error
	if !errors.As(err, &at) || len(part) == len(m.whole) {
		return err
	}
	moved := *at
	moved.Offset += max(0, strings.Index(m.whole, part))
	return &moved
}

// Writer is a message that can be written.
type Writer interface {
	Append(dst []byte, indent bool) ([]byte, error)
}

// Seal writes a message, in an Envelope with its header where there is one.
func Seal(h *iso20022.Header, m Writer) ([]byte, error) {
	if h == nil {
		return m.Append(nil, true)
	}
	out := fmt.Appendf(nil, "%s<Envelope xmlns=%q>\n", declaration, EnvelopeNamespace)
	for _, part := range []Writer{h, m} {
		doc, err := part.Append(nil, true)
		if err != nil {
			return nil, err
		}
		out = append(out, strings.TrimPrefix(string(doc), declaration)...)
	}
	return append(out, "</Envelope>\n"...), nil
}

const declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

// service is what the headers that we write are under.
const service = "swift.cbprplus.03"

// Head is the header of a message between two agents; answered is that of the message that it answers, nil where it had none.
func Head(definition, id, created, from, to string, answered *iso20022.Header) *iso20022.Header {
	h := &iso20022.Header{
		From: iso20022.HeaderParty{Institution: agent(from)}, To: iso20022.HeaderParty{Institution: agent(to)},
		MessageID: id, Definition: definition, Service: service, Created: created,
	}
	if answered != nil {
		h.Related = []iso20022.RelatedHeader{related(answered)}
	}
	return h
}

func related(h *iso20022.Header) iso20022.RelatedHeader {
	return iso20022.RelatedHeader{
		From: h.From, To: h.To, MessageID: h.MessageID, Definition: h.Definition, Service: h.Service, Created: h.Created, CopyDuplicate: h.CopyDuplicate,
	}
}

// Namespace is the namespace of a message's documents.
func Namespace(definition string) string { return schema.NamespacePrefix + definition }
