package iso20022

import (
	"io"
	"strings"

	"qiantang.dev/rails/internal/iso20022/codec"
	"qiantang.dev/rails/internal/iso20022/schema"
)

// Error says what is wrong with a document, and where.
type Error = codec.Error

// Info is what reading found beside the content: valid elements that Qiantang has no use for.
type Info = codec.Info

// MaxDocument is the most bytes that a document may have where the caller sets no other limit.
const MaxDocument = codec.MaxDocument

// The identifiers of the messages.
const (
	IDHeader  = "head.001.001.02"
	IDPain001 = "pain.001.001.09"
	IDPain002 = "pain.002.001.10"
	IDPacs002 = "pacs.002.001.10"
	IDPacs004 = "pacs.004.001.09"
	IDPacs008 = "pacs.008.001.08"
	IDPacs009 = "pacs.009.001.08"
	IDCamt029 = "camt.029.001.09"
	IDCamt053 = "camt.053.001.08"
	IDCamt056 = "camt.056.001.08"
)

var (
	headers  = codec.New[Header](IDHeader)
	pain001s = codec.New[Pain001](IDPain001)
	pain002s = codec.New[Pain002](IDPain002)
	pacs002s = codec.New[Pacs002](IDPacs002)
	pacs004s = codec.New[Pacs004](IDPacs004)
	pacs008s = codec.New[Pacs008](IDPacs008)
	pacs009s = codec.New[Pacs009](IDPacs009)
	camt029s = codec.New[Camt029](IDCamt029)
	camt056s = codec.New[Camt056](IDCamt056)
)

// Load reads a document of at most limit bytes (0: MaxDocument) for the Read functions; DTDs and what is not XML are refused at
// their first bytes.
func Load(r io.Reader, limit int) (string, error) { return codec.ReadAll(r, limit) }

// ReadPain001 reads a customer credit transfer initiation. This and the other Read functions keep the document's memory as long as
// the result is kept; errors are *Error.
func ReadPain001(doc string) (*Pain001, Info, error) { return pain001s.Decode(doc) }

// ReadPain002 reads a customer payment status report.
func ReadPain002(doc string) (*Pain002, Info, error) { return pain002s.Decode(doc) }

// ReadPacs002 reads a payment status report between agents.
func ReadPacs002(doc string) (*Pacs002, Info, error) { return pacs002s.Decode(doc) }

// ReadPacs004 reads a payment return.
func ReadPacs004(doc string) (*Pacs004, Info, error) { return pacs004s.Decode(doc) }

// ReadPacs008 reads a customer credit transfer between agents.
func ReadPacs008(doc string) (*Pacs008, Info, error) { return pacs008s.Decode(doc) }

// ReadPacs009 reads a credit transfer between financial institutions.
func ReadPacs009(doc string) (*Pacs009, Info, error) { return pacs009s.Decode(doc) }

// ReadCamt029 reads a resolution of investigation.
func ReadCamt029(doc string) (*Camt029, Info, error) { return camt029s.Decode(doc) }

// ReadCamt056 reads a cancellation request.
func ReadCamt056(doc string) (*Camt056, Info, error) { return camt056s.Decode(doc) }

// ReadHeader reads a business application header.
func ReadHeader(doc string) (*Header, Info, error) { return headers.Decode(doc) }

// Append writes m as a document, indented for people where indent is set. What the schema does not allow is an *Error.
func (m *Pain001) Append(dst []byte, indent bool) ([]byte, error) {
	return pain001s.Append(dst, m, indent)
}

// Append writes m as Pain001.Append does.
func (m *Pain002) Append(dst []byte, indent bool) ([]byte, error) {
	return pain002s.Append(dst, m, indent)
}

// Append writes m as Pain001.Append does.
func (m *Pacs002) Append(dst []byte, indent bool) ([]byte, error) {
	return pacs002s.Append(dst, m, indent)
}

// Append writes m as Pain001.Append does.
func (m *Pacs004) Append(dst []byte, indent bool) ([]byte, error) {
	return pacs004s.Append(dst, m, indent)
}

// Append writes m as Pain001.Append does.
func (m *Pacs008) Append(dst []byte, indent bool) ([]byte, error) {
	return pacs008s.Append(dst, m, indent)
}

// Append writes m as Pain001.Append does.
func (m *Pacs009) Append(dst []byte, indent bool) ([]byte, error) {
	return pacs009s.Append(dst, m, indent)
}

// Append writes m as Pain001.Append does.
func (m *Camt029) Append(dst []byte, indent bool) ([]byte, error) {
	return camt029s.Append(dst, m, indent)
}

// Append writes m as Pain001.Append does.
func (m *Camt056) Append(dst []byte, indent bool) ([]byte, error) {
	return camt056s.Append(dst, m, indent)
}

// Append writes h as Pain001.Append does.
func (h *Header) Append(dst []byte, indent bool) ([]byte, error) {
	return headers.Append(dst, h, indent)
}

// Identify says which message a document claims to be, such as "pacs.008.001.08", from its root element; or an *Error. It reads
// no further than that.
func Identify(doc string) (string, error) {
	name, namespace, err := codec.Root(doc)
	if err != nil {
		return "", err
	}
	id, ok := strings.CutPrefix(namespace, schema.NamespacePrefix)
	if !ok {
		return "", &Error{Path: "/" + name, Value: namespace, Why: "not a namespace of ISO 20022"}
	}
	m, ok := schema.Lookup(id)
	if !ok {
		return "", &Error{Path: "/" + name, Value: id, Why: "a message or version that is not known here"}
	}
	if m.Root.Name != name {
		return "", &Error{Path: "/" + name, Why: "want " + m.Root.Name}
	}
	return id, nil
}
