package router

import (
	"strings"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/pkg/client"
)

// isoCode is the external status reason that comes closest to a problem.
func isoCode(p *client.Problem) string {
	switch p.Code() {
	case codeInsufficient:
		return "AM04"
	case codeConflict:
		return "AM05"
	case codeLimit:
		return "AM02"
	case codeNoRoute:
		return "AG01"
	case codeDraining:
		return "AG07"
	}
	for _, e := range p.Errors {
		for prefix, code := range map[string]string{
			"body.account": "AC02", "body.amount.currency": "AM03", "body.amount": "AM12", "body.beneficiary.account": "AC03",
			"body.beneficiary.agentBic": "RC01", "body.beneficiary.cnaps": "RC01", "body.beneficiary.country": "BE09",
			"body.beneficiary.name": "BE22", "body.executeAt": "DT01",
		} {
			if e.Location == prefix {
				return code
			}
		}
	}
	return "NARR"
}

const isoRejected = "RJCT"

// isoReasons writes a reason with its words, as long as the element may be.
func isoReasons(code, detail string) []iso20022.Reason {
	words := []rune(strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, detail))
	var parts []string
	for len(words) > 0 && len(parts) < 4 {
		n := min(105, len(words))
		parts = append(parts, string(words[:n]))
		words = words[n:]
	}
	return []iso20022.Reason{{Reason: &iso20022.Code{Code: code}, Additional: parts}}
}
