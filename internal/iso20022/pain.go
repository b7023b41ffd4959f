package iso20022

import "qiantang.dev/rails/internal/money"

// Pain001 is a customer's credit transfer initiation, pain.001.001.09.
type Pain001 struct {
	MessageID       string               `iso:"GrpHdr>MsgId"`
	Created         string               `iso:"GrpHdr>CreDtTm"`
	Count           string               `iso:"GrpHdr>NbOfTxs"`
	ControlSum      string               `iso:"GrpHdr>CtrlSum"`
	InitiatingParty Party                `iso:"GrpHdr>InitgPty"`
	ForwardingAgent *Agent               `iso:"GrpHdr>FwdgAgt"`
	Payments        []PaymentInstruction `iso:"PmtInf"`
}

// PaymentInstruction is a batch of a Pain001: what its transfers have in common.
type PaymentInstruction struct {
	ID             string           `iso:"PmtInfId"`
	Method         string           `iso:"PmtMtd"`
	BatchBooking   string           `iso:"BtchBookg"`
	Count          string           `iso:"NbOfTxs"`
	ControlSum     string           `iso:"CtrlSum"`
	Type           *PaymentType     `iso:"PmtTpInf"`
	Execution      When             `iso:"ReqdExctnDt"`
	Debtor         Party            `iso:"Dbtr"`
	DebtorAccount  Account          `iso:"DbtrAcct"`
	DebtorAgent    Agent            `iso:"DbtrAgt"`
	UltimateDebtor *Party           `iso:"UltmtDbtr"`
	ChargeBearer   string           `iso:"ChrgBr"`
	Transfers      []CreditTransfer `iso:"CdtTrfTxInf"`
}

// CreditTransfer is one payment of a Pain001. Either Amount is given, or Equivalent with the currency to be transferred.
type CreditTransfer struct {
	InstructionID       string             `iso:"PmtId>InstrId"`
	EndToEndID          string             `iso:"PmtId>EndToEndId"`
	UETR                string             `iso:"PmtId>UETR"`
	Type                *PaymentType       `iso:"PmtTpInf"`
	Amount              money.Amount       `iso:"Amt>InstdAmt"`
	Equivalent          money.Amount       `iso:"Amt>EqvtAmt>Amt"`
	EquivalentIn        money.Currency     `iso:"Amt>EqvtAmt>CcyOfTrf"`
	ChargeBearer        string             `iso:"ChrgBr"`
	UltimateDebtor      *Party             `iso:"UltmtDbtr"`
	Intermediary1       *Agent             `iso:"IntrmyAgt1"`
	CreditorAgent       *Agent             `iso:"CdtrAgt"`
	Creditor            *Party             `iso:"Cdtr"`
	CreditorAccount     *Account           `iso:"CdtrAcct"`
	UltimateCreditor    *Party             `iso:"UltmtCdtr"`
	ForCreditorAgent    []InstructionTo    `iso:"InstrForCdtrAgt"`
	ForDebtorAgent      string             `iso:"InstrForDbtrAgt"`
	Purpose             *Code              `iso:"Purp"`
	RegulatoryReporting []RegulatoryReport `iso:"RgltryRptg"`
	Remittance          *Remittance        `iso:"RmtInf"`
}

// Pain002 is the status report that answers a Pain001, pain.002.001.10.
type Pain002 struct {
	MessageID       string `iso:"GrpHdr>MsgId"`
	Created         string `iso:"GrpHdr>CreDtTm"`
	InitiatingParty *Party `iso:"GrpHdr>InitgPty"`
	DebtorAgent     *Agent `iso:"GrpHdr>DbtrAgt"`

	OriginalMessageID   string `iso:"OrgnlGrpInfAndSts>OrgnlMsgId"`
	OriginalMessageName string `iso:"OrgnlGrpInfAndSts>OrgnlMsgNmId"`
	OriginalCreated     string `iso:"OrgnlGrpInfAndSts>OrgnlCreDtTm"`
	OriginalCount       string `iso:"OrgnlGrpInfAndSts>OrgnlNbOfTxs"`
	OriginalControlSum  string `iso:"OrgnlGrpInfAndSts>OrgnlCtrlSum"`
	// GroupStatus: ACCP, ACTC, PART, RJCT, PDNG …
	GroupStatus  string         `iso:"OrgnlGrpInfAndSts>GrpSts"`
	GroupReasons []Reason       `iso:"OrgnlGrpInfAndSts>StsRsnInf"`
	PerStatus    []StatusCount  `iso:"OrgnlGrpInfAndSts>NbOfTxsPerSts"`
	Payments     []PaymentState `iso:"OrgnlPmtInfAndSts"`
}

// StatusCount is how many transactions are in a state.
type StatusCount struct {
	Count      string `iso:"DtldNbOfTxs"`
	Status     string `iso:"DtldSts"`
	ControlSum string `iso:"DtldCtrlSum"`
}

// PaymentState is the status of one batch.
type PaymentState struct {
	OriginalID string          `iso:"OrgnlPmtInfId"`
	Count      string          `iso:"OrgnlNbOfTxs"`
	ControlSum string          `iso:"OrgnlCtrlSum"`
	Status     string          `iso:"PmtInfSts"`
	Reasons    []Reason        `iso:"StsRsnInf"`
	PerStatus  []StatusCount   `iso:"NbOfTxsPerSts"`
	Transfers  []TransferState `iso:"TxInfAndSts"`
}

// TransferState is the status of one payment.
type TransferState struct {
	StatusID              string `iso:"StsId"`
	OriginalInstructionID string `iso:"OrgnlInstrId"`
	OriginalEndToEndID    string `iso:"OrgnlEndToEndId"`
	OriginalUETR          string `iso:"OrgnlUETR"`
	// Status: ACCP, ACSP, ACSC, RJCT, PDNG …
	Status      string   `iso:"TxSts"`
	Reasons     []Reason `iso:"StsRsnInf"`
	Charges     []Charge `iso:"ChrgsInf"`
	Accepted    string   `iso:"AccptncDtTm"`
	ServicerRef string   `iso:"AcctSvcrRef"`
	// Original amount, as the transfer said it.
	OriginalAmount money.Amount `iso:"OrgnlTxRef>Amt>InstdAmt"`
}
