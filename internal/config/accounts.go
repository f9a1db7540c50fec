package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// Account is one of several on a server.
type Account struct {
	// Keys says where the secret of each access key id is: "file:/path" or "env:NAME".
	Keys        map[string]string `toml:"keys"`
	Concurrency int               `toml:"concurrency,omitempty"`  // requests at once; 0 = the server's
	CodeStorage int64             `toml:"code-storage,omitempty"` // MiB of packages; 0 = the server's

	Isolation          string `toml:"isolation,omitempty"`           // "" = the server's, or the floor where that is stronger
	IsolationFloor     string `toml:"isolation-floor,omitempty"`     // "" = the server's; not weaker than that
	UntrustedIsolation string `toml:"untrusted-isolation,omitempty"` // "" = the server's; not weaker than that
}

// accessKey is the form of an access key id. Source: IAM API reference, AccessKey.
var accessKey = regexp.MustCompile(`^\w{16,128}$`)

// Bounds of a secret, in bytes; AWS's have 40.
const (
	leastSecret = 16
	maxSecret   = 4 << 10
)

// Credential is a secret access key and the account that it speaks for.
type Credential struct{ Account, Secret string }

// Rules are those of the accounts, by account. Those of an account that is not among
// them are the server's.
func (c *Config) Rules() (map[string]lambda.AccountRule, error) {
	server, err := c.Rule()
	if err != nil {
		return nil, err
	}
	rules, wrong := map[string]lambda.AccountRule{}, []error(nil)
	for _, id := range slices.Sorted(maps.Keys(c.Accounts)) {
		a := c.Accounts[id]
		rule, err := a.rule(c, server)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("accounts.%s: %w", id, err))
		}
		rules[id] = lambda.AccountRule{Isolation: rule, Concurrency: cmp.Or(a.Concurrency, c.Concurrency), CodeStorage: cmp.Or(a.CodeStorage, c.CodeStorage) << 20}
	}
	return rules, errors.Join(wrong...)
}

// rule is the server's, made stronger: what weakens it is an error.
func (a *Account) rule(c *Config, server lambda.Isolation) (lambda.Isolation, error) {
	own := Config{
		IsolationFloor: cmp.Or(a.IsolationFloor, c.IsolationFloor), UntrustedIsolation: cmp.Or(a.UntrustedIsolation, c.UntrustedIsolation),
		Isolation: cmp.Or(a.Isolation, c.Isolation),
	}
	if floor, err := lambda.ParseTier(own.IsolationFloor); a.Isolation == "" && err == nil && floor > server.Default {
		own.Isolation = own.IsolationFloor
	}
	rule, err := own.Rule()
	if err == nil && rule.Floor < server.Floor {
		err = fmt.Errorf("isolation-floor: %s is below the server's, which is %s", rule.Floor, server.Floor)
	}
	if err == nil && rule.Untrusted < server.Untrusted {
		err = fmt.Errorf("untrusted-isolation: %s is below the server's, which is %s", rule.Untrusted, server.Untrusted)
	}
	return rule, err
}

// validateAccounts reads no secret: whoever checks a file need not be who may.
func (c *Config) validateAccounts() error {
	if len(c.Accounts) == 0 {
		return nil
	}
	_, err := c.Rules()
	wrong, seen := []error{err, c.checkOwn()}, map[string]bool{}
	for id, a := range c.Accounts {
		wrong = append(wrong, a.validate(id, seen))
	}
	return errors.Join(wrong...)
}

func (c *Config) checkOwn() error {
	if _, ok := c.Accounts[c.Account]; !ok && len(c.Accounts) > 0 {
		return fmt.Errorf("account: %s is none of [accounts]: set it to the one that commands on this machine act for", c.Account)
	}
	return nil
}

func (a *Account) validate(id string, seen map[string]bool) error {
	var wrong []error
	if !account.MatchString(id) {
		wrong = append(wrong, fmt.Errorf("accounts.%s: is not 12 digits", id))
	}
	if a.Concurrency < 0 {
		wrong = append(wrong, fmt.Errorf("accounts.%s.concurrency: must be at least 1", id))
	}
	if a.CodeStorage < 0 {
		wrong = append(wrong, fmt.Errorf("accounts.%s.code-storage: must be at least 1", id))
	}
	for key, at := range a.Keys {
		switch {
		case !accessKey.MatchString(key):
			wrong = append(wrong, fmt.Errorf("accounts.%s.keys: %q is not 16 to 128 letters, digits and underscores", id, key))
		case seen[key]:
			wrong = append(wrong, fmt.Errorf("accounts.%s.keys: %s is another account's too", id, key))
		case !NamesSecret(at): // what stands there may be the secret: it is not shown
			wrong = append(wrong, fmt.Errorf("accounts.%s.keys.%s: is not file:/path or env:NAME; a secret does not stand in this file", id, key))
		}
		seen[key] = true
	}
	return errors.Join(wrong...)
}

// Credentials reads the secrets of all keys, by access key id; nil where there are no accounts.
func (c *Config) Credentials() (map[string]Credential, error) {
	if len(c.Accounts) == 0 {
		return nil, nil
	}
	all := map[string]Credential{}
	for id := range c.Accounts {
		if err := c.credentials(id, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (c *Config) credentials(id string, into map[string]Credential) error {
	for key, at := range c.Accounts[id].Keys {
		secret, err := readSecret(at)
		if err != nil {
			return fmt.Errorf("accounts.%s.keys.%s: %w", id, key, err)
		}
		into[key] = Credential{id, secret}
	}
	return nil
}

// Own returns a key of the account that commands act for, the first by name; "" where
// no accounts are configured, or it has none.
func (c *Config) Own() (key, secret string, err error) {
	if err := c.checkOwn(); err != nil {
		return "", "", err
	}
	all := map[string]Credential{}
	if err := c.credentials(c.Account, all); err != nil || len(all) == 0 {
		return "", "", err
	}
	key = slices.Min(slices.Collect(maps.Keys(all)))
	return key, all[key].Secret, nil
}

// NamesSecret says whether a value of Keys says where a secret is; else it may be one, and is not
// to be shown.
func NamesSecret(at string) bool {
	kind, name, _ := strings.Cut(at, ":")
	return (kind == "file" || kind == "env") && name != ""
}

func readSecret(at string) (string, error) {
	kind, name, _ := strings.Cut(at, ":")
	secret := os.Getenv(name)
	if kind == "file" {
		var err error
		if secret, err = readPrivate(name); err != nil {
			return "", err
		}
	}
	if len(secret) < leastSecret {
		return "", fmt.Errorf("%s has no secret of at least %d bytes", at, leastSecret)
	}
	return secret, nil
}

// readPrivate reads a file that nobody but its owner may read or write.
func readPrivate(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	defer func() { _ = f.Close() }() // read only
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	if info.Mode()&fs.ModeType != 0 || info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("others may read %s, which holds a secret: chmod 600 %s", path, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
