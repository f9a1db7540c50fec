// Package page shows a statement as one page of HTML, to be forwarded: no scripts, nothing
// loaded from elsewhere.
package page
