// Package move carries functions from one place to another with everything that Lambda
// knows of them: code, settings, published versions under their numbers, aliases, tags and
// reserved concurrency. A place is anything that answers to Lambda's API (AWS, another
// Lambent), or a file.
//
// What cannot be carried is an error that names it, never left out in silence. Logs and
// waiting events stay where they are.
package move
