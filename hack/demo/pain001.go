package main

import (
	"io"
	"text/template"
	"time"
)

// painFile is a customer's credit transfer initiation, as a bank would get it: two payments out of one account.
var painFile = template.Must(template.New("pain.001").Parse(`<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">
  <CstmrCdtTrfInitn>
    <GrpHdr>
      <MsgId>DEMO-{{.Run}}</MsgId>
      <CreDtTm>{{.Now}}</CreDtTm>
      <NbOfTxs>2</NbOfTxs>
      <CtrlSum>15650.00</CtrlSum>
      <InitgPty><Nm>Harbor Goods LLC</Nm></InitgPty>
    </GrpHdr>
    <PmtInf>
      <PmtInfId>DEMO-{{.Run}}-1</PmtInfId>
      <PmtMtd>TRF</PmtMtd>
      <ReqdExctnDt><Dt>{{.Day}}</Dt></ReqdExctnDt>
      <Dbtr><Nm>Harbor Goods LLC</Nm><PstlAdr><TwnNm>Boston</TwnNm><Ctry>US</Ctry></PstlAdr></Dbtr>
      <DbtrAcct><Id><Othr><Id>customer:harbor-goods:USD</Id></Othr></Id><Ccy>USD</Ccy></DbtrAcct>
      <DbtrAgt><FinInstnId><BICFI>BOFAUS3N</BICFI></FinInstnId></DbtrAgt>
      <CdtTrfTxInf>
        <PmtId><EndToEndId>DEMO-{{.Run}}-A</EndToEndId></PmtId>
        <Amt><InstdAmt Ccy="USD">12400.00</InstdAmt></Amt>
        <CdtrAgt><FinInstnId><BICFI>ICBKCNBJZJP</BICFI></FinInstnId></CdtrAgt>
        <Cdtr><Nm>Hangzhou Silk Trading Co Ltd</Nm><PstlAdr><TwnNm>Hangzhou</TwnNm><Ctry>CN</Ctry></PstlAdr></Cdtr>
        <CdtrAcct><Id><Othr><Id>6222021202041701234</Id></Othr></Id></CdtrAcct>
        <Purp><Cd>GDDS</Cd></Purp>
        <RmtInf><Ustrd>Invoice {{.Run}}-A</Ustrd></RmtInf>
      </CdtTrfTxInf>
      <CdtTrfTxInf>
        <PmtId><EndToEndId>DEMO-{{.Run}}-B</EndToEndId></PmtId>
        <Amt><InstdAmt Ccy="USD">3250.00</InstdAmt></Amt>
        <CdtrAgt><FinInstnId><BICFI>PCBCCNBJZJX</BICFI></FinInstnId></CdtrAgt>
        <Cdtr><Nm>Ningbo Marine Parts Co</Nm><PstlAdr><TwnNm>Ningbo</TwnNm><Ctry>CN</Ctry></PstlAdr></Cdtr>
        <CdtrAcct><Id><Othr><Id>6217001540012345678</Id></Othr></Id></CdtrAcct>
        <Purp><Cd>GDDS</Cd></Purp>
        <RmtInf><Ustrd>Invoice {{.Run}}-B</Ustrd></RmtInf>
      </CdtTrfTxInf>
    </PmtInf>
  </CstmrCdtTrfInitn>
</Document>
`))

func writePain001(w io.Writer, run int, now time.Time) error {
	return painFile.Execute(w, map[string]any{
		"Run": run, "Now": now.UTC().Format("2006-01-02T15:04:05Z"), "Day": now.UTC().Format(time.DateOnly),
	})
}
