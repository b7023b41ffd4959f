package router

import (
	"fmt"
	"math/big"
	"strconv"

	"qiantang.dev/rails/internal/iso20022"
)

// checkTotals compares a message's counts and control sums with its transfers; code is the status reason where they differ.
func checkTotals(m *iso20022.Pain001) (code, detail string) {
	count, total := 0, new(big.Rat)
	for i := range m.Payments {
		batch := &m.Payments[i]
		sum := new(big.Rat)
		for j := range batch.Transfers {
			t := &batch.Transfers[j]
			a := t.Amount
			if a.Currency() == "" {
				a = t.Equivalent
			}
			if v, ok := new(big.Rat).SetString(a.Decimal()); ok {
				sum.Add(sum, v)
			}
		}
		where := fmt.Sprintf("PmtInf[%d]", i+1)
		if code, detail = compareTotals(where, batch.Count, batch.ControlSum, len(batch.Transfers), sum); code != "" {
			return code, detail
		}
		count += len(batch.Transfers)
		total.Add(total, sum)
	}
	return compareTotals("GrpHdr", m.Count, m.ControlSum, count, total)
}

func compareTotals(where, count, control string, n int, sum *big.Rat) (code, detail string) {
	if count != "" {
		if said, err := strconv.Atoi(count); err != nil || said != n {
			return "AM18", fmt.Sprintf("%s/NbOfTxs is %s, there are %d", where, count, n)
		}
	}
	if control != "" {
		if said, ok := new(big.Rat).SetString(control); !ok || said.Cmp(sum) != 0 {
			return "AM10", fmt.Sprintf("%s/CtrlSum is %s, the transfers sum to %s", where, control, sum.FloatString(2))
		}
	}
	return "", ""
}
