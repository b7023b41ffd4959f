package iso20022

import "qiantang.dev/rails/internal/money"

// Party is a person or an organisation (PartyIdentification135).
type Party struct {
	Name             string          `iso:"Nm"`
	Address          *Address        `iso:"PstlAdr"`
	Organisation     *OrganisationID `iso:"Id>OrgId"`
	Private          *PrivateID      `iso:"Id>PrvtId"`
	CountryResidence string          `iso:"CtryOfRes"`
}

// OrganisationID is how an organisation is known.
type OrganisationID struct {
	AnyBIC string      `iso:"AnyBIC"`
	LEI    string      `iso:"LEI"`
	Other  []GenericID `iso:"Othr"`
}

// PrivateID is how a person is known.
type PrivateID struct {
	BirthDate     string      `iso:"DtAndPlcOfBirth>BirthDt"`
	BirthProvince string      `iso:"DtAndPlcOfBirth>PrvcOfBirth"`
	BirthCity     string      `iso:"DtAndPlcOfBirth>CityOfBirth"`
	BirthCountry  string      `iso:"DtAndPlcOfBirth>CtryOfBirth"`
	Other         []GenericID `iso:"Othr"`
}

// GenericID is an identification in some scheme.
type GenericID struct {
	ID                string `iso:"Id"`
	SchemeCode        string `iso:"SchmeNm>Cd"`
	SchemeProprietary string `iso:"SchmeNm>Prtry"`
	Issuer            string `iso:"Issr"`
}

// Address is a postal address (PostalAddress24): structured, or hybrid with a town, a country and at most two Lines.
type Address struct {
	TypeCode           string   `iso:"AdrTp>Cd"`
	Department         string   `iso:"Dept"`
	SubDepartment      string   `iso:"SubDept"`
	Street             string   `iso:"StrtNm"`
	BuildingNumber     string   `iso:"BldgNb"`
	BuildingName       string   `iso:"BldgNm"`
	Floor              string   `iso:"Flr"`
	PostBox            string   `iso:"PstBx"`
	Room               string   `iso:"Room"`
	PostCode           string   `iso:"PstCd"`
	Town               string   `iso:"TwnNm"`
	TownLocation       string   `iso:"TwnLctnNm"`
	District           string   `iso:"DstrctNm"`
	CountrySubdivision string   `iso:"CtrySubDvsn"`
	Country            string   `iso:"Ctry"`
	Lines              []string `iso:"AdrLine"`
}

// Agent is a financial institution (BranchAndFinancialInstitutionIdentification6).
type Agent struct {
	BIC string `iso:"FinInstnId>BICFI"`
	// ClearingCode is the national clearing system of Member, such as CNAPS or USABA.
	ClearingCode        string   `iso:"FinInstnId>ClrSysMmbId>ClrSysId>Cd"`
	ClearingProprietary string   `iso:"FinInstnId>ClrSysMmbId>ClrSysId>Prtry"`
	Member              string   `iso:"FinInstnId>ClrSysMmbId>MmbId"`
	LEI                 string   `iso:"FinInstnId>LEI"`
	Name                string   `iso:"FinInstnId>Nm"`
	Address             *Address `iso:"FinInstnId>PstlAdr"`
	OtherID             string   `iso:"FinInstnId>Othr>Id"`
	BranchID            string   `iso:"BrnchId>Id"`
}

// Account is a cash account (CashAccount38): an IBAN or some other identification.
type Account struct {
	IBAN              string         `iso:"Id>IBAN"`
	Other             string         `iso:"Id>Othr>Id"`
	SchemeCode        string         `iso:"Id>Othr>SchmeNm>Cd"`
	SchemeProprietary string         `iso:"Id>Othr>SchmeNm>Prtry"`
	Issuer            string         `iso:"Id>Othr>Issr"`
	TypeCode          string         `iso:"Tp>Cd"`
	TypeProprietary   string         `iso:"Tp>Prtry"`
	Currency          money.Currency `iso:"Ccy"`
	Name              string         `iso:"Nm"`
}

// Number is the account's identification, whichever it has.
func (a *Account) Number() string {
	if a == nil {
		return ""
	}
	if a.IBAN != "" {
		return a.IBAN
	}
	return a.Other
}

// PartyOrAgent is either of the two (Party40Choice).
type PartyOrAgent struct {
	Party *Party `iso:"Pty"`
	Agent *Agent `iso:"Agt"`
}

// Code is a code of a published list, or a proprietary one.
type Code struct {
	Code        string `iso:"Cd"`
	Proprietary string `iso:"Prtry"`
}

// Value is whichever is given.
func (c *Code) Value() string {
	if c == nil {
		return ""
	}
	if c.Code != "" {
		return c.Code
	}
	return c.Proprietary
}

// When is a day, or a moment.
type When struct {
	Date     string `iso:"Dt"`
	DateTime string `iso:"DtTm"`
}

// PaymentType says how a payment is to be treated.
type PaymentType struct {
	InstructionPriority string `iso:"InstrPrty"`
	ServiceLevels       []Code `iso:"SvcLvl"`
	LocalInstrument     *Code  `iso:"LclInstrm"`
	CategoryPurpose     *Code  `iso:"CtgyPurp"`
}

// Remittance is what a payment is for: free text, or structured.
type Remittance struct {
	Unstructured []string               `iso:"Ustrd"`
	Structured   []StructuredRemittance `iso:"Strd"`
}

// StructuredRemittance is what Qiantang takes from structured remittance information.
type StructuredRemittance struct {
	Documents         []Document `iso:"RfrdDocInf"`
	ReferenceTypeCode string     `iso:"CdtrRefInf>Tp>CdOrPrtry>Cd"`
	ReferenceType     string     `iso:"CdtrRefInf>Tp>CdOrPrtry>Prtry"`
	ReferenceIssuer   string     `iso:"CdtrRefInf>Tp>Issr"`
	Reference         string     `iso:"CdtrRefInf>Ref"`
	Additional        []string   `iso:"AddtlRmtInf"`
}

// Document is a document that a payment is for, such as an invoice.
type Document struct {
	TypeCode        string `iso:"Tp>CdOrPrtry>Cd"`
	TypeProprietary string `iso:"Tp>CdOrPrtry>Prtry"`
	TypeIssuer      string `iso:"Tp>Issr"`
	Number          string `iso:"Nb"`
	RelatedDate     string `iso:"RltdDt"`
}

// RegulatoryReport is what an authority wants to know about a payment (RegulatoryReporting3).
type RegulatoryReport struct {
	Indicator        string             `iso:"DbtCdtRptgInd"`
	Authority        string             `iso:"Authrty>Nm"`
	AuthorityCountry string             `iso:"Authrty>Ctry"`
	Details          []RegulatoryDetail `iso:"Dtls"`
}

// RegulatoryDetail is one code or text of a RegulatoryReport.
type RegulatoryDetail struct {
	Type        string       `iso:"Tp"`
	Date        string       `iso:"Dt"`
	Country     string       `iso:"Ctry"`
	Code        string       `iso:"Cd"`
	Amount      money.Amount `iso:"Amt"`
	Information []string     `iso:"Inf"`
}

// Charge is a charge that an agent took.
type Charge struct {
	Amount money.Amount `iso:"Amt"`
	Agent  Agent        `iso:"Agt"`
}

// InstructionTo is an instruction for an agent.
type InstructionTo struct {
	Code string `iso:"Cd"`
	Text string `iso:"InstrInf"`
}

// Reason says why: a code of the list that belongs to the message, or a proprietary one, and more in words.
type Reason struct {
	Originator *Party   `iso:"Orgtr"`
	Reason     *Code    `iso:"Rsn"`
	Additional []string `iso:"AddtlInf"`
}

// OriginalGroup says which message another one answers.
type OriginalGroup struct {
	MessageID   string `iso:"OrgnlMsgId"`
	MessageName string `iso:"OrgnlMsgNmId"`
	Created     string `iso:"OrgnlCreDtTm"`
}
