package compile

import (
	"strings"

	"qiantang.dev/rails/api/v1alpha1"
)

// mod97 is the remainder of ISO 7064: letters count 10 to 35, digits themselves. Anything else gives -1.
func mod97(s string) int {
	r := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			r = (r*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			r = (r*100 + int(c-'A') + 10) % 97
		default:
			return -1
		}
	}
	return r
}

// validLEI says whether s is an ISO 17442 identifier: 20 characters whose check digits are right.
func validLEI(s string) bool { return len(s) == 20 && mod97(s) == 1 }

// validIBAN says whether s is an ISO 13616 account number by its check digits.
func validIBAN(s string) bool { return len(s) >= 15 && len(s) <= 34 && mod97(s[4:]+s[:4]) == 1 }

// validBIC says whether s has the form of ISO 9362, with a country that exists.
func validBIC(s string) bool {
	if len(s) != 8 && len(s) != 11 {
		return false
	}
	for i := range len(s) {
		letter, digit := s[i] >= 'A' && s[i] <= 'Z', s[i] >= '0' && s[i] <= '9'
		if !letter && (!digit || i == 4 || i == 5) {
			return false
		}
	}
	return isCountry(s[4:6])
}

// countries are the officially assigned codes of ISO 3166-1 alpha-2, with EU (exceptionally reserved) for the European Union's
// systems and XK, which SWIFT and the IBAN registry use for Kosovo.
const countries = " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ" +
	" CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD" +
	" GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM" +
	" KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA" +
	" NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ" +
	" SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU" +
	" WF WS YE YT ZA ZM ZW EU XK "

func isCountry(code string) bool { return len(code) == 2 && strings.Contains(countries, " "+code+" ") }

func (f *findings) country(field string, code v1alpha1.CountryCode) {
	if !isCountry(string(code)) {
		f.invalid(v1alpha1.ReasonInvalidValue, field, string(code), "no ISO 3166-1 alpha-2 country")
	}
}
