// Package bill reads what AWS Lambda logged of a function's invocations, adds up what they
// cost, and replays their arrivals against the starts of this host.
//
// It reads REPORT lines as text, platform.report records as JSON, what `aws logs` prints, and
// CSV of CloudWatch Logs Insights; gzip of any of them. It keeps sums and histograms, never
// the records: memory does not grow with the files. Arrivals are sorted on disk.
//
// It knows no server and measures nothing. Prices are package price's; how fast this host
// starts functions is given to it.
package bill
