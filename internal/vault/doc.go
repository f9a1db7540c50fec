// Package vault seals secrets with a key that is kept in a file of its own, apart from
// the database that keeps what was sealed: who has the one still lacks the other.
//
// A sealed value is AES-256-GCM with a random nonce. It is bound to a context, such as
// the ARN of its function, and opens in no other. The package keeps no values and does
// not protect them from who can read this process's memory or the key file.
package vault
