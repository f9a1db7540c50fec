// Package sigv4 says which account has signed a request with AWS's Signature Version 4, in
// the Authorization header.
//
// It knows the protocol's claims, clocks and error texts. The signature itself is made by
// the signer of AWS's own SDK, over those headers alone that the client says it has signed,
// and compared in constant time: no cryptography is written here. The SDK's signer keeps the
// key derived for a day and a region.
//
// It reads no bodies, knows no operations, and does not know presigned URLs, temporary
// credentials and unsigned or chunked payloads: no SDK's Lambda client sends these unasked,
// and all are refused.
//
// Source: AWS IAM User Guide, "AWS Signature Version 4 for API requests".
package sigv4
