package router

import (
	"qiantang.dev/rails/internal/route"
	"qiantang.dev/rails/pkg/client"
)

// isoCode is the external status reason that comes closest to a problem.
func isoCode(p *client.Problem) string {
	switch p.Code() {
	case codeInsufficient:
		return "AM04"
	case codeConflict, codeUETR:
		return "AM05"
	case codeLimit, route.DeniedMaximum:
		return "AM02"
	case route.DeniedMinimum:
		return "AM06"
	case codeNoRoute:
		return "AG01"
	case codeDraining:
		return "AG07"
	}
	for _, e := range p.Errors {
		for prefix, code := range map[string]string{
			"body.account": "AC02", "body.amount.currency": "AM03", "body.amount": "AM12", "body.beneficiary.account": "AC03",
			"body.beneficiary.agentBic": "RC01", "body.beneficiary.cnaps": "RC01", "body.beneficiary.country": "BE09",
			"body.beneficiary.name": "BE22", "body.executeAt": "DT01", "body.debtor.account": "AC02",
		} {
			if e.Location == prefix {
				return code
			}
		}
	}
	return "NARR"
}
