// Package page writes a report of the benchmark as one page of HTML: tables, bars and
// percentile curves as SVG, in a light and a dark look. The page asks for nothing else: no
// script, no font, no request.
package page
