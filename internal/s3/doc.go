// Package s3 reads deployment packages from AWS S3 or an object store that speaks its
// protocol, at the one endpoint that the server's owner has configured.
//
// It only reads, and it stores nothing: who calls it bounds how much is read and for how
// long. What the object store refuses comes in the words in which Lambda passes it on.
package s3
