package money

// Currency is an ISO 4217 alphabetic code, such as "CNY". Offshore renminbi is priced as CNH by markets but is CNY here,
// as it is on the wire.
type Currency string

// ParseCurrency reads an ISO 4217 code of a currency in use. It is strict: upper case, no blanks.
func ParseCurrency(s string) (Currency, error) {
	c := Currency(s)
	if _, ok := c.digits(); !ok {
		why := "not an ISO 4217 currency in use"
		if s == "CNH" {
			why = "CNH is a market's name for offshore renminbi, not an ISO 4217 code: use CNY"
		}
		return "", &ParseError{What: "currency", Value: s, Why: why}
	}
	return c, nil
}

// Digits is how many decimal places the currency's minor unit has, -1 where the currency is not known.
func (c Currency) Digits() int {
	d, ok := c.digits()
	if !ok {
		return -1
	}
	return d
}

func (c Currency) digits() (int, bool) {
	d, ok := minorUnits[c]
	return int(d), ok
}

// minorUnits is ISO 4217 list one: the currencies in use and their decimal places. Without the metals, bond market units and test
// codes that list one also holds (XAU, XAG, XPD, XPT, XBA…XTS, XXX): nothing is paid in them. XCG took ANG's place on 31 March 2025;
// BGN ended with Bulgaria's euro on 1 January 2026.
var minorUnits = func() map[Currency]int8 {
	m := make(map[Currency]int8, 170)
	for digits, codes := range map[int8]string{
		0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
		2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU " +
			"CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES " +
			"KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR " +
			"NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP " +
			"TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
		3: "BHD IQD JOD KWD LYD OMR TND",
		4: "CLF UYW",
	} {
		for i := 0; i+3 <= len(codes); i += 4 {
			m[Currency(codes[i:i+3])] = digits
		}
	}
	return m
}()
