package cbpr

import (
	"fmt"
	"slices"
	"strings"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/money"
)

// Violation is one breach of a rule.
type Violation struct {
	// Path to the element within the message, such as CdtTrfTxInf[1]/Cdtr/PstlAdr.
	Path string
	// Value that breaks the rule; empty where the element is missing.
	Value string
	Rule  string
}

func (v Violation) Error() string {
	if v.Value == "" {
		return v.Path + ": " + v.Rule
	}
	return fmt.Sprintf("%s: %q: %s", v.Path, v.Value, v.Rule)
}

// checker gathers violations below a path.
type checker struct {
	path  string
	found *[]Violation
}

func newChecker() checker { return checker{found: new([]Violation)} }

// at goes down to an element.
func (c checker) at(name string) checker {
	if c.path != "" {
		name = c.path + "/" + name
	}
	return checker{path: name, found: c.found}
}

func (c checker) nth(name string, i int) checker { return c.at(fmt.Sprintf("%s[%d]", name, i+1)) }

func (c checker) fail(name, value, rule string) {
	*c.found = append(*c.found, Violation{Path: c.at(name).path, Value: value, Rule: rule})
}

// need fails where text is missing.
func (c checker) need(name, value string) {
	if value == "" {
		c.fail(name, "", "is required")
	}
}

// characters are those of FIN X, which CBPR+ allows everywhere; extended adds those of names, addresses and remittance.
var characters, extended = func() (plain, more [128]bool) {
	const common = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/-?:().,'+ "
	for _, r := range common {
		plain[r], more[r] = true, true
	}
	for _, r := range "!#$%&*=^_`{|}~\";<>@[\\]" {
		more[r] = true
	}
	return plain, more
}()

func (c checker) chars(name, value string, allowed *[128]bool) {
	for _, r := range value {
		if r >= 128 || !allowed[r] {
			c.fail(name, value, fmt.Sprintf("holds %q, which its character set does not have", r))
			return
		}
	}
}

// text is a text of the narrow character set; free one of the extended set.
func (c checker) text(name, value string) { c.chars(name, value, &characters) }
func (c checker) free(name, value string) { c.chars(name, value, &extended) }

// reference is an identification that SWIFT carries in a field that slashes end.
func (c checker) reference(name, value string) {
	c.text(name, value)
	if strings.HasPrefix(value, "/") || strings.HasSuffix(value, "/") || strings.Contains(value, "//") {
		c.fail(name, value, "must not begin or end with / nor hold //")
	}
}

// moment is a time with an offset to UTC.
func (c checker) moment(name, value string) {
	if value == "" {
		return
	}
	// After the date: 2026-11-23T17:05:00+08:00.
	if rest := value[min(len(value), 11):]; !strings.ContainsAny(rest, "+-Z") {
		c.fail(name, value, "needs an offset to UTC")
	}
}

// uetr is required; its form is the schema's.
func (c checker) uetr(name, value string) { c.need(name, value) }

// amount is in a currency that is paid in, and not nothing.
func (c checker) amount(name string, a money.Amount, zero bool) {
	switch {
	case a.Currency() == "":
		c.fail(name, "", "is required")
	case slices.Contains([]money.Currency{"XAU", "XAG", "XPD", "XPT"}, a.Currency()):
		c.fail(name, a.String(), "commodities are not paid in")
	case a.IsZero() && !zero:
		c.fail(name, a.String(), "must be more than zero")
	}
}

// address is structured, or hybrid. Unstructured ones are refused since 14 November 2026.
func (c checker) address(name string, a *iso20022.Address) {
	if a == nil {
		return
	}
	c = c.at(name)
	if a.Town == "" {
		c.fail("TwnNm", "", "is required: unstructured addresses are refused since 14 November 2026")
	}
	if a.Country == "" {
		c.fail("Ctry", "", "is required: unstructured addresses are refused since 14 November 2026")
	}
	if len(a.Lines) > 2 {
		c.fail("AdrLine", "", "at most 2 lines beside town and country")
	}
	for _, f := range [...]struct{ name, value string }{
		{"Dept", a.Department}, {"SubDept", a.SubDepartment}, {"StrtNm", a.Street}, {"BldgNb", a.BuildingNumber}, {"BldgNm", a.BuildingName},
		{"Flr", a.Floor}, {"PstBx", a.PostBox}, {"Room", a.Room}, {"PstCd", a.PostCode}, {"TwnNm", a.Town}, {"TwnLctnNm", a.TownLocation},
		{"DstrctNm", a.District}, {"CtrySubDvsn", a.CountrySubdivision},
	} {
		c.free(f.name, f.value)
	}
	for i, l := range a.Lines {
		c.nth("AdrLine", i).free("", l)
	}
}

// party is a person or organisation: known by a BIC alone, or by name.
func (c checker) party(name string, p *iso20022.Party, required bool) {
	if p == nil {
		if required {
			c.fail(name, "", "is required")
		}
		return
	}
	c = c.at(name)
	bic := p.Organisation != nil && p.Organisation.AnyBIC != ""
	switch {
	case bic && (p.Name != "" || p.Address != nil):
		c.fail("Id/OrgId/AnyBIC", p.Organisation.AnyBIC, "excludes Nm and PstlAdr")
	case !bic && p.Name == "":
		c.fail("Nm", "", "is required where there is no AnyBIC")
	}
	if p.Organisation != nil && len(p.Organisation.Other) > 2 || p.Private != nil && len(p.Private.Other) > 2 {
		c.fail("Id/Othr", "", "at most 2")
	}
	c.free("Nm", p.Name)
	c.address("PstlAdr", p.Address)
}

// agent is a financial institution; where bic is set it must be known by its BIC.
func (c checker) agent(name string, a *iso20022.Agent, bic bool) {
	if a == nil {
		if bic {
			c.fail(name, "", "is required")
		}
		return
	}
	c = c.at(name)
	switch {
	case bic && a.BIC == "":
		c.fail("FinInstnId/BICFI", "", "is required")
	case a.BIC == "" && a.Name == "" && a.Member == "" && a.LEI == "":
		c.fail("FinInstnId", "", "needs BICFI, ClrSysMmbId, LEI or Nm")
	}
	if (a.Name == "") != (a.Address == nil) {
		c.fail("FinInstnId", a.Name, "Nm and PstlAdr come together")
	}
	c.free("FinInstnId/Nm", a.Name)
	c.address("FinInstnId/PstlAdr", a.Address)
}

// maxStructured is the most characters of structured remittance in all.
const maxStructured = 9000

func (c checker) remittance(r *iso20022.Remittance) {
	if r == nil {
		return
	}
	c = c.at("RmtInf")
	if len(r.Unstructured) > 0 && len(r.Structured) > 0 {
		c.fail("Strd", "", "excludes Ustrd")
	}
	if len(r.Unstructured) > 1 {
		c.fail("Ustrd", "", "at most once")
	}
	for _, u := range r.Unstructured {
		c.free("Ustrd", u)
	}
	total := 0
	for i, s := range r.Structured {
		c := c.nth("Strd", i)
		c.free("CdtrRefInf/Ref", s.Reference)
		total += len(s.Reference) + len(s.ReferenceType) + len(s.ReferenceIssuer)
		for _, d := range s.Documents {
			c.free("RfrdDocInf/Nb", d.Number)
			total += len(d.Number) + len(d.TypeProprietary) + len(d.TypeIssuer)
		}
		for _, a := range s.Additional {
			c.free("AddtlRmtInf", a)
			total += len(a)
		}
	}
	if total > maxStructured {
		c.fail("Strd", "", fmt.Sprintf("%d characters, at most %d", total, maxStructured))
	}
}
