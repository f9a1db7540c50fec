// Package move carries functions from one place to another with everything that Lambda
// knows of them: code, settings, published versions under their numbers, aliases, tags and
// reserved concurrency. A place is anything that answers to Lambda's API (AWS, another
// Lambent), or a file.
//
// What a version cannot do without and cannot be carried is an error that names it. What is
// attached to a function and means something in its old place only, policies, destinations
// of events and provisioned concurrency, stays there and is named in Function.Behind. Logs and waiting events stay, too.
package move
