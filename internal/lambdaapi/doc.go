// Package lambdaapi is AWS Lambda's API over HTTP: it decodes and checks requests,
// keeps functions in the store, hands invocations to the router and words every
// answer as AWS does.
//
// Routes are one table (routes.go); each resource has a file. Errors come from the
// one table in package lambda and are written in one place. Anything that is not an
// API error, a panic included, becomes a ServiceException that says nothing of the
// inside.
//
// It runs no functions, and starts no listener: package daemon does. The one thing
// that it runs by itself is the activation of new functions (Server.Run).
//
// Source of names, fields, texts and limits: AWS Lambda API reference, and answers
// recorded from the service.
package lambdaapi
