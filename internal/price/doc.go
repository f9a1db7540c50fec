// Package price knows what AWS asks for computing, from one dated table with its sources
// (prices.toml), which a file of the user's may override, and turns use into money.
//
// It is no bill: what was used is the caller's to know. Discounts, free tiers and taxes are
// left out. All money is US dollars.
package price
