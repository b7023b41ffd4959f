// Package market gives the simulators their mid rates: the European Central Bank's euro foreign exchange reference rates of 13 April 2026
// (https://www.ecb.europa.eu/stats/eurofxref/, reproduction allowed with the source named), or of a file with the ECB's history.
package market
