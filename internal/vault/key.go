package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// keySize is AES-256's, in bytes.
const keySize = 32

// ErrNotGenuine is the answer to what was not sealed with this key, or in another
// context, or was changed since.
var ErrNotGenuine = errors.New("sealed value is not genuine")

// Key seals and opens. It is safe for concurrent use.
type Key struct {
	id   string
	aead cipher.AEAD
}

// New makes a key of its bytes, which nobody may be able to guess: Load makes them.
func New(secret [keySize]byte) (*Key, error) {
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		return nil, err
	}
	// One key may seal 2^32 values with random nonces (NIST SP 800-38D, 8.3).
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte("lambent key id\n"), secret[:]...))
	return &Key{id: hex.EncodeToString(sum[:8]), aead: aead}, nil
}

// ID names the key and says nothing of it: 16 hex digits.
func (k *Key) ID() string { return k.id }

// Seal encrypts plain for one context. The result is 28 bytes longer.
func (k *Key) Seal(plain, context []byte) []byte { return k.aead.Seal(nil, nil, plain, context) }

// Open decrypts what Seal made for the same context. ErrNotGenuine.
func (k *Key) Open(sealed, context []byte) ([]byte, error) {
	plain, err := k.aead.Open(nil, nil, sealed, context)
	if err != nil {
		return nil, ErrNotGenuine
	}
	return plain, nil
}
