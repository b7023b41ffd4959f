// Package iso20022 compares our reading of ISO 20022 with others' on the same documents. It is a module of its own, so that what it
// compares with is no dependency of Qiantang.
//
//	cd test/bench/iso20022 && go test -bench . -benchmem
package iso20022
