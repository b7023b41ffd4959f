package iso20022

import "qiantang.dev/rails/internal/money"

// Assignment says who asks whom (CaseAssignment5).
type Assignment struct {
	ID       string       `iso:"Id"`
	Assigner PartyOrAgent `iso:"Assgnr"`
	Assignee PartyOrAgent `iso:"Assgne"`
	Created  string       `iso:"CreDtTm"`
}

// Case is an investigation.
type Case struct {
	ID       string       `iso:"Id"`
	Creator  PartyOrAgent `iso:"Cretr"`
	Reopened string       `iso:"ReopCaseIndctn"`
}

// Camt056 asks for payments to be cancelled (a recall), camt.056.001.08.
type Camt056 struct {
	Assignment Assignment      `iso:"Assgnmt"`
	Case       *Case           `iso:"Case"`
	Count      string          `iso:"CtrlData>NbOfTxs"`
	ControlSum string          `iso:"CtrlData>CtrlSum"`
	Underlying []Cancellations `iso:"Undrlyg"`
}

// Cancellations are those of one original message.
type Cancellations struct {
	Group     *GroupCancellation `iso:"OrgnlGrpInfAndCxl"`
	Transfers []Cancellation     `iso:"TxInf"`
}

// GroupCancellation asks for a whole message to be cancelled, or says which one the transfers are of.
type GroupCancellation struct {
	ID          string   `iso:"GrpCxlId"`
	Case        *Case    `iso:"Case"`
	MessageID   string   `iso:"OrgnlMsgId"`
	MessageName string   `iso:"OrgnlMsgNmId"`
	Created     string   `iso:"OrgnlCreDtTm"`
	Count       string   `iso:"NbOfTxs"`
	ControlSum  string   `iso:"CtrlSum"`
	Whole       string   `iso:"GrpCxl"`
	Reasons     []Reason `iso:"CxlRsnInf"`
}

// Cancellation asks for one payment to be cancelled.
type Cancellation struct {
	ID                     string         `iso:"CxlId"`
	Case                   *Case          `iso:"Case"`
	Original               *OriginalGroup `iso:"OrgnlGrpInf"`
	OriginalInstructionID  string         `iso:"OrgnlInstrId"`
	OriginalEndToEndID     string         `iso:"OrgnlEndToEndId"`
	OriginalTransactionID  string         `iso:"OrgnlTxId"`
	OriginalUETR           string         `iso:"OrgnlUETR"`
	OriginalClearingRef    string         `iso:"OrgnlClrSysRef"`
	OriginalAmount         money.Amount   `iso:"OrgnlIntrBkSttlmAmt"`
	OriginalSettlementDate string         `iso:"OrgnlIntrBkSttlmDt"`
	Assigner               *Agent         `iso:"Assgnr"`
	Assignee               *Agent         `iso:"Assgne"`
	Reasons                []Reason       `iso:"CxlRsnInf"`
}

// Camt029 answers a Camt056, camt.029.001.09.
type Camt029 struct {
	Assignment   Assignment `iso:"Assgnmt"`
	ResolvedCase *Case      `iso:"RslvdCase"`
	// Confirmation: CNCL (cancelled as asked), PDCR (pending), RJCR (refused), …
	Confirmation string `iso:"Sts>Conf"`
	// Instead of a confirmation: why a modification was refused, of which case this is a duplicate, whether an assignment ended.
	ModificationRefused []Code      `iso:"Sts>RjctdMod"`
	DuplicateOf         *Case       `iso:"Sts>DplctOf"`
	AssignmentCancelled string      `iso:"Sts>AssgnmtCxlConf"`
	Details             []Cancelled `iso:"CxlDtls"`
}

// Cancelled is what became of the cancellations of one original message.
type Cancelled struct {
	Transfers []CancellationState `iso:"TxInfAndSts"`
}

// CancellationState is what became of one cancellation.
type CancellationState struct {
	ID                    string         `iso:"CxlStsId"`
	ResolvedCase          *Case          `iso:"RslvdCase"`
	Original              *OriginalGroup `iso:"OrgnlGrpInf"`
	OriginalInstructionID string         `iso:"OrgnlInstrId"`
	OriginalEndToEndID    string         `iso:"OrgnlEndToEndId"`
	OriginalTransactionID string         `iso:"OrgnlTxId"`
	OriginalUETR          string         `iso:"OrgnlUETR"`
	// Status: ACCR (accepted), PDCR (pending), RJCR (rejected).
	Status                 string        `iso:"TxCxlSts"`
	Reasons                []Reason      `iso:"CxlStsRsnInf"`
	OriginalAmount         money.Amount  `iso:"OrgnlIntrBkSttlmAmt"`
	OriginalSettlementDate string        `iso:"OrgnlIntrBkSttlmDt"`
	Assigner               *PartyOrAgent `iso:"Assgnr"`
	Assignee               *PartyOrAgent `iso:"Assgne"`
}
