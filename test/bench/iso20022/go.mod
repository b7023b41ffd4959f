module qiantang.dev/rails/test/bench/iso20022

go 1.26.8

require (
	github.com/moov-io/iso20022 v0.2.1
	qiantang.dev/rails v0.0.0
)

require (
	github.com/gobuffalo/here v0.6.2 // indirect
	github.com/govalues/decimal v0.1.36 // indirect
	github.com/markbates/pkger v0.17.1 // indirect
)

replace qiantang.dev/rails => ../../..
