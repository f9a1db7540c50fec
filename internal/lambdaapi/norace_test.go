//go:build !race

package lambdaapi

const underRace = 0
