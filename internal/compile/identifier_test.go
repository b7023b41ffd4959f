package compile

import "testing"

func TestIdentifiersAreKnownByTheirFormAndCheckDigits(t *testing.T) {
	for _, c := range []struct {
		what  string
		valid func(string) bool
		good  []string
		bad   []string
	}{
		// LEIs of the GLEIF itself and of Deutsche Bank; IBANs from the registry's examples.
		{"LEI", validLEI, []string{"506700GE1G29325QX363", "7LTWFZYICNSX8D621K86"}, []string{"", "506700GE1G29325QX364", "506700GE1G29325QX3", "506700ge1g29325qx363"}},
		{"IBAN", validIBAN, []string{"DE89370400440532013000", "GB29NWBK60161331926819", "NO9386011117947"}, []string{"", "DE88370400440532013000", "GB29 NWBK 6016 1331 9268 19", "de89370400440532013000"}},
		{"BIC", validBIC, []string{"DEUTDEFF", "ICBKCNBJZJP", "E097AEXX"}, []string{"", "DEUTDEF", "DEUTDEFF5", "DEUTZZFF", "DEUT1EFF", "deutdeff", "DEUTDEFF50X1"}},
		{"country", isCountry, []string{"CN", "EU", "XK"}, []string{"", "C", "ZZ", "cn", "N C", "  "}},
	} {
		for _, s := range c.good {
			if !c.valid(s) {
				t.Errorf("%s %q is refused", c.what, s)
			}
		}
		for _, s := range c.bad {
			if c.valid(s) {
				t.Errorf("%s %q is taken", c.what, s)
			}
		}
	}
}
