package iso20022

import "qiantang.dev/rails/internal/money"

// GroupHeader is the head of a pacs.008 or pacs.009 (GroupHeader93).
type GroupHeader struct {
	MessageID        string       `iso:"MsgId"`
	Created          string       `iso:"CreDtTm"`
	BatchBooking     string       `iso:"BtchBookg"`
	Count            string       `iso:"NbOfTxs"`
	ControlSum       string       `iso:"CtrlSum"`
	Total            money.Amount `iso:"TtlIntrBkSttlmAmt"`
	SettlementDate   string       `iso:"IntrBkSttlmDt"`
	Settlement       Settlement   `iso:"SttlmInf"`
	Type             *BankPayment `iso:"PmtTpInf"`
	InstructingAgent *Agent       `iso:"InstgAgt"`
	InstructedAgent  *Agent       `iso:"InstdAgt"`
}

// Settlement says how agents settle between them. Method: INDA, INGA, COVE, CLRG.
type Settlement struct {
	Method                   string   `iso:"SttlmMtd"`
	Account                  *Account `iso:"SttlmAcct"`
	ClearingCode             string   `iso:"ClrSys>Cd"`
	ClearingProprietary      string   `iso:"ClrSys>Prtry"`
	InstructingReimbursement *Agent   `iso:"InstgRmbrsmntAgt"`
	InstructedReimbursement  *Agent   `iso:"InstdRmbrsmntAgt"`
}

// BankPayment says how a payment between agents is to be treated (PaymentTypeInformation28).
type BankPayment struct {
	InstructionPriority string `iso:"InstrPrty"`
	ClearingChannel     string `iso:"ClrChanl"`
	ServiceLevels       []Code `iso:"SvcLvl"`
	LocalInstrument     *Code  `iso:"LclInstrm"`
	CategoryPurpose     *Code  `iso:"CtgyPurp"`
}

// PaymentID is how a payment is known on its whole way (PaymentIdentification7).
type PaymentID struct {
	InstructionID string `iso:"InstrId"`
	EndToEndID    string `iso:"EndToEndId"`
	TransactionID string `iso:"TxId"`
	UETR          string `iso:"UETR"`
	ClearingRef   string `iso:"ClrSysRef"`
}

// Pacs008 is a customer credit transfer between agents, pacs.008.001.08.
type Pacs008 struct {
	Header    GroupHeader        `iso:"GrpHdr"`
	Transfers []CustomerTransfer `iso:"CdtTrfTxInf"`
}

// CustomerTransfer is one payment of a Pacs008.
type CustomerTransfer struct {
	ID                   PaymentID          `iso:"PmtId"`
	Type                 *BankPayment       `iso:"PmtTpInf"`
	Amount               money.Amount       `iso:"IntrBkSttlmAmt"`
	SettlementDate       string             `iso:"IntrBkSttlmDt"`
	Priority             string             `iso:"SttlmPrty"`
	Accepted             string             `iso:"AccptncDtTm"`
	InstructedAmount     money.Amount       `iso:"InstdAmt"`
	ExchangeRate         string             `iso:"XchgRate"`
	ChargeBearer         string             `iso:"ChrgBr"`
	Charges              []Charge           `iso:"ChrgsInf"`
	PreviousInstructing1 *Agent             `iso:"PrvsInstgAgt1"`
	PreviousInstructing2 *Agent             `iso:"PrvsInstgAgt2"`
	PreviousInstructing3 *Agent             `iso:"PrvsInstgAgt3"`
	InstructingAgent     *Agent             `iso:"InstgAgt"`
	InstructedAgent      *Agent             `iso:"InstdAgt"`
	Intermediary1        *Agent             `iso:"IntrmyAgt1"`
	Intermediary1Account *Account           `iso:"IntrmyAgt1Acct"`
	Intermediary2        *Agent             `iso:"IntrmyAgt2"`
	Intermediary3        *Agent             `iso:"IntrmyAgt3"`
	UltimateDebtor       *Party             `iso:"UltmtDbtr"`
	InitiatingParty      *Party             `iso:"InitgPty"`
	Debtor               Party              `iso:"Dbtr"`
	DebtorAccount        *Account           `iso:"DbtrAcct"`
	DebtorAgent          Agent              `iso:"DbtrAgt"`
	DebtorAgentAccount   *Account           `iso:"DbtrAgtAcct"`
	CreditorAgent        Agent              `iso:"CdtrAgt"`
	CreditorAgentAccount *Account           `iso:"CdtrAgtAcct"`
	Creditor             Party              `iso:"Cdtr"`
	CreditorAccount      *Account           `iso:"CdtrAcct"`
	UltimateCreditor     *Party             `iso:"UltmtCdtr"`
	ForCreditorAgent     []InstructionTo    `iso:"InstrForCdtrAgt"`
	ForNextAgent         []InstructionTo    `iso:"InstrForNxtAgt"`
	Purpose              *Code              `iso:"Purp"`
	RegulatoryReporting  []RegulatoryReport `iso:"RgltryRptg"`
	Remittance           *Remittance        `iso:"RmtInf"`
}

// Pacs009 is a credit transfer between financial institutions, pacs.009.001.08: what a settlement is instructed with.
type Pacs009 struct {
	Header    GroupHeader    `iso:"GrpHdr"`
	Transfers []BankTransfer `iso:"CdtTrfTxInf"`
}

// BankTransfer is one payment of a Pacs009.
type BankTransfer struct {
	ID                   PaymentID    `iso:"PmtId"`
	Type                 *BankPayment `iso:"PmtTpInf"`
	Amount               money.Amount `iso:"IntrBkSttlmAmt"`
	SettlementDate       string       `iso:"IntrBkSttlmDt"`
	Priority             string       `iso:"SttlmPrty"`
	InstructingAgent     *Agent       `iso:"InstgAgt"`
	InstructedAgent      *Agent       `iso:"InstdAgt"`
	Intermediary1        *Agent       `iso:"IntrmyAgt1"`
	UltimateDebtor       *Agent       `iso:"UltmtDbtr"`
	Debtor               Agent        `iso:"Dbtr"`
	DebtorAccount        *Account     `iso:"DbtrAcct"`
	DebtorAgent          *Agent       `iso:"DbtrAgt"`
	DebtorAgentAccount   *Account     `iso:"DbtrAgtAcct"`
	CreditorAgent        *Agent       `iso:"CdtrAgt"`
	CreditorAgentAccount *Account     `iso:"CdtrAgtAcct"`
	Creditor             Agent        `iso:"Cdtr"`
	CreditorAccount      *Account     `iso:"CdtrAcct"`
	UltimateCreditor     *Agent       `iso:"UltmtCdtr"`
	Purpose              *Code        `iso:"Purp"`
	Remittance           []string     `iso:"RmtInf>Ustrd"`
	Underlying           *Underlying  `iso:"UndrlygCstmrCdtTrf"`
}

// Underlying is the customer transfer that a Pacs009 covers.
type Underlying struct {
	UltimateDebtor   *Party       `iso:"UltmtDbtr"`
	InitiatingParty  *Party       `iso:"InitgPty"`
	Debtor           Party        `iso:"Dbtr"`
	DebtorAccount    *Account     `iso:"DbtrAcct"`
	DebtorAgent      Agent        `iso:"DbtrAgt"`
	CreditorAgent    Agent        `iso:"CdtrAgt"`
	Creditor         Party        `iso:"Cdtr"`
	CreditorAccount  *Account     `iso:"CdtrAcct"`
	UltimateCreditor *Party       `iso:"UltmtCdtr"`
	Remittance       *Remittance  `iso:"RmtInf"`
	InstructedAmount money.Amount `iso:"InstdAmt"`
}

// Pacs002 is a status report between agents, pacs.002.001.10.
type Pacs002 struct {
	MessageID        string       `iso:"GrpHdr>MsgId"`
	Created          string       `iso:"GrpHdr>CreDtTm"`
	InstructingAgent *Agent       `iso:"GrpHdr>InstgAgt"`
	InstructedAgent  *Agent       `iso:"GrpHdr>InstdAgt"`
	Groups           []GroupState `iso:"OrgnlGrpInfAndSts"`
	Transfers        []BankState  `iso:"TxInfAndSts"`
}

// GroupState is the status of a whole message.
type GroupState struct {
	MessageID   string        `iso:"OrgnlMsgId"`
	MessageName string        `iso:"OrgnlMsgNmId"`
	Created     string        `iso:"OrgnlCreDtTm"`
	Count       string        `iso:"OrgnlNbOfTxs"`
	ControlSum  string        `iso:"OrgnlCtrlSum"`
	Status      string        `iso:"GrpSts"`
	Reasons     []Reason      `iso:"StsRsnInf"`
	PerStatus   []StatusCount `iso:"NbOfTxsPerSts"`
}

// BankState is the status of one payment.
type BankState struct {
	StatusID              string         `iso:"StsId"`
	Original              *OriginalGroup `iso:"OrgnlGrpInf"`
	OriginalInstructionID string         `iso:"OrgnlInstrId"`
	OriginalEndToEndID    string         `iso:"OrgnlEndToEndId"`
	OriginalTransactionID string         `iso:"OrgnlTxId"`
	OriginalUETR          string         `iso:"OrgnlUETR"`
	Status                string         `iso:"TxSts"`
	Reasons               []Reason       `iso:"StsRsnInf"`
	Charges               []Charge       `iso:"ChrgsInf"`
	Accepted              string         `iso:"AccptncDtTm"`
	Effective             *When          `iso:"FctvIntrBkSttlmDt"`
	ServicerRef           string         `iso:"AcctSvcrRef"`
	ClearingRef           string         `iso:"ClrSysRef"`
	InstructingAgent      *Agent         `iso:"InstgAgt"`
	InstructedAgent       *Agent         `iso:"InstdAgt"`
}

// Pacs004 is a return of payments, pacs.004.001.09.
type Pacs004 struct {
	MessageID        string         `iso:"GrpHdr>MsgId"`
	Created          string         `iso:"GrpHdr>CreDtTm"`
	Count            string         `iso:"GrpHdr>NbOfTxs"`
	ControlSum       string         `iso:"GrpHdr>CtrlSum"`
	GroupReturn      string         `iso:"GrpHdr>GrpRtr"`
	Total            money.Amount   `iso:"GrpHdr>TtlRtrdIntrBkSttlmAmt"`
	SettlementDate   string         `iso:"GrpHdr>IntrBkSttlmDt"`
	Settlement       Settlement     `iso:"GrpHdr>SttlmInf"`
	InstructingAgent *Agent         `iso:"GrpHdr>InstgAgt"`
	InstructedAgent  *Agent         `iso:"GrpHdr>InstdAgt"`
	Original         *OriginalGroup `iso:"OrgnlGrpInf"`
	Returns          []Return       `iso:"TxInf"`
}

// Return is one returned payment.
type Return struct {
	ID                     string         `iso:"RtrId"`
	Original               *OriginalGroup `iso:"OrgnlGrpInf"`
	OriginalInstructionID  string         `iso:"OrgnlInstrId"`
	OriginalEndToEndID     string         `iso:"OrgnlEndToEndId"`
	OriginalTransactionID  string         `iso:"OrgnlTxId"`
	OriginalUETR           string         `iso:"OrgnlUETR"`
	OriginalAmount         money.Amount   `iso:"OrgnlIntrBkSttlmAmt"`
	OriginalSettlementDate string         `iso:"OrgnlIntrBkSttlmDt"`
	Amount                 money.Amount   `iso:"RtrdIntrBkSttlmAmt"`
	SettlementDate         string         `iso:"IntrBkSttlmDt"`
	InstructedAmount       money.Amount   `iso:"RtrdInstdAmt"`
	ExchangeRate           string         `iso:"XchgRate"`
	ChargeBearer           string         `iso:"ChrgBr"`
	Charges                []Charge       `iso:"ChrgsInf"`
	InstructingAgent       *Agent         `iso:"InstgAgt"`
	InstructedAgent        *Agent         `iso:"InstdAgt"`
	Chain                  *ReturnChain   `iso:"RtrChain"`
	Reasons                []Reason       `iso:"RtrRsnInf"`
}

// ReturnChain are the parties of the return.
type ReturnChain struct {
	UltimateDebtor   *PartyOrAgent `iso:"UltmtDbtr"`
	Debtor           PartyOrAgent  `iso:"Dbtr"`
	DebtorAgent      *Agent        `iso:"DbtrAgt"`
	CreditorAgent    *Agent        `iso:"CdtrAgt"`
	Creditor         PartyOrAgent  `iso:"Cdtr"`
	UltimateCreditor *PartyOrAgent `iso:"UltmtCdtr"`
}
