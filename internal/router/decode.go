package router

import (
	"unicode/utf8"

	"qiantang.dev/rails/pkg/client"
)

// maxQuick is how long a request may be to be read in place: what is read shares its memory, and so keeps all of it.
const maxQuick = 2048

// decodeRequest reads a payment request as decodeStrict does. Requests are mostly objects of plain text; those are read in place, in a
// fifth of the time, and everything else, and everything that is wrong, is left to decodeStrict.
func decodeRequest(body []byte, req *client.PaymentRequest) *client.Problem {
	if len(body) <= maxQuick {
		var quick client.PaymentRequest
		if quickRequest(string(body), nil, &quick) {
			*req = quick
			return nil
		}
	}
	return decodeStrict(body, req)
}

// decodeLine reads a batch's line likewise.
func decodeLine(text []byte, l *batchLine) *client.Problem {
	if len(text) <= maxQuick {
		var quick batchLine
		if quickRequest(string(text), &quick.ID, &quick.PaymentRequest) {
			*l = quick
			return nil
		}
	}
	return decodeStrict(text, l)
}

// quickRequest reads a request whose every field is plain text; with an id, where id is one.
func quickRequest(body string, id *string, r *client.PaymentRequest) bool {
	s := scanner{text: body}
	ok := s.object(func(key string) bool {
		switch key {
		case "id":
			return id != nil && s.into(id)
		case "corridor":
			return s.into(&r.Corridor)
		case "account":
			return s.into(&r.Account)
		case "amount":
			return s.object(func(key string) bool {
				switch key {
				case "currency":
					return s.into(&r.Amount.Currency)
				case "value":
					return s.into(&r.Amount.Value)
				}
				return false
			})
		case "beneficiary":
			return s.party(&r.Beneficiary)
		case "purpose":
			return s.into(&r.Purpose)
		case "reference":
			return s.into(&r.Reference)
		case "uetr":
			return s.into(&r.UETR)
		}
		return false
	})
	s.blanks()
	return ok && s.at == len(s.text)
}

func (s *scanner) party(p *client.Party) bool {
	return s.object(func(key string) bool {
		switch key {
		case "name":
			return s.into(&p.Name)
		case "country":
			return s.into(&p.Country)
		case "account":
			return s.into(&p.Account)
		case "agentBic":
			return s.into(&p.AgentBIC)
		case "cnaps":
			return s.into(&p.CNAPS)
		case "town":
			return s.into(&p.Town)
		case "street":
			return s.into(&p.Street)
		case "postCode":
			return s.into(&p.PostCode)
		}
		return false
	})
}

// scanner reads the JSON that is plain: objects of fields, and text without escapes.
type scanner struct {
	text string
	at   int
}

func (s *scanner) blanks() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// next takes c, and the blanks before it.
func (s *scanner) next(c byte) bool {
	s.blanks()
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) object(field func(key string) bool) bool {
	if !s.next('{') {
		return false
	}
	if s.next('}') {
		return true
	}
	for {
		var key string
		if !s.into(&key) || !s.next(':') || !field(key) {
			return false
		}
		if s.next('}') {
			return true
		}
		if !s.next(',') {
			return false
		}
	}
}

func (s *scanner) into(v *string) bool {
	if !s.next('"') {
		return false
	}
	begin, wide := s.at, false
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			*v = s.text[begin:s.at]
			s.at++
			return !wide || utf8.ValidString(*v)
		case c == '\\' || c < ' ':
			return false
		case c >= utf8.RuneSelf:
			wide = true
		}
	}
	return false
}
