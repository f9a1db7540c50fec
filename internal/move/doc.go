// Package move carries functions from one place to another with everything that Lambda
// knows of them: code, settings, layers, published versions under their numbers, aliases,
// tags, reserved concurrency, the settings of event invocations and of recursion, and resource policies. A
// place is anything that answers to Lambda's API (AWS, another Lambent), or a file.
//
// What a version cannot do without and cannot be carried is an error that names it. What is
// attached to a function and would take events or requests away from its old place, event
// source mappings and function URLs, stays there and is named in Function.Behind, and so is
// provisioned concurrency, which costs memory that the new place may not have, and what only AWS's
// services can honour: a KMS key, a code signature, a pinned version of a runtime. Logs and waiting events stay, too.
// Destinations of events, callers and sources in policies are named
// as they were: whether they mean something in the new place is for its owner to see.
package move
