package iso20022

// Header is the business application header, head.001.001.02.
type Header struct {
	From          HeaderParty     `iso:"Fr"`
	To            HeaderParty     `iso:"To"`
	MessageID     string          `iso:"BizMsgIdr"`
	Definition    string          `iso:"MsgDefIdr"`
	Service       string          `iso:"BizSvc"`
	Practice      *MarketPractice `iso:"MktPrctc"`
	Created       string          `iso:"CreDt"`
	Processing    string          `iso:"BizPrcgDt"`
	CopyDuplicate string          `iso:"CpyDplct"`
	PossibleCopy  string          `iso:"PssblDplct"`
	Priority      string          `iso:"Prty"`
	Related       []RelatedHeader `iso:"Rltd"`
}

// MarketPractice says by whose rules a message was made.
type MarketPractice struct {
	Registry string `iso:"Regy"`
	ID       string `iso:"Id"`
}

// HeaderParty is a sender or a receiver.
type HeaderParty struct {
	Organisation *Party `iso:"OrgId"`
	Institution  *Agent `iso:"FIId"`
}

// RelatedHeader is the header of the message that this one answers.
type RelatedHeader struct {
	From          HeaderParty `iso:"Fr"`
	To            HeaderParty `iso:"To"`
	MessageID     string      `iso:"BizMsgIdr"`
	Definition    string      `iso:"MsgDefIdr"`
	Service       string      `iso:"BizSvc"`
	Created       string      `iso:"CreDt"`
	CopyDuplicate string      `iso:"CpyDplct"`
}
