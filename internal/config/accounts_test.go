package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

func withAccounts(t *testing.T, more string) Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lambent.toml")
	if err := os.WriteFile(path, []byte("account = \"111111111111\"\n"+more), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAccountsThatAreWrong(t *testing.T) {
	const one = "[accounts.111111111111]\n"
	for more, want := range map[string]string{
		"[accounts.12]\n":                                                           "accounts.12: is not 12 digits",
		"[accounts.222222222222]\n":                                                 "account: 111111111111 is none of [accounts]",
		one + "keys = { short = \"env:A\" }\n":                                      "16 to 128",
		one + "keys = { AKID000000000000 = \"wJalrXUtnFEMIK7MDENG\" }\n":            "a secret does not stand in this file",
		one + "code-storage = -1\n":                                                 "code-storage: must be at least 1",
		one + "concurrency = -1\n":                                                  "concurrency: must be at least 1",
		"isolation-floor = \"light\"\n" + one + "isolation-floor = \"process\"\n":   "below the server's",
		"isolation-floor = \"light\"\n" + one + "untrusted-isolation = \"light\"\n": "untrusted-isolation: light is below the server's",
		one + "isolation = \"light\"\nisolation-floor = \"gvisor\"\n":               "below isolation-floor",
		one + "keys = { AKID000000000000 = \"env:A\" }\n[accounts.222222222222]\nkeys = { AKID000000000000 = \"env:A\" }\n": "another account's too",
	} {
		c := withAccounts(t, more)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "wJalr") {
			t.Errorf("%s: %v, want %q", more, err, want)
		}
	}
}

func TestAccountIsNotWeakerThanItsServer(t *testing.T) {
	c := withAccounts(t, "[accounts.111111111111]\nisolation-floor = \"gvisor\"\nconcurrency = 7\ncode-storage = 3\n[accounts.222222222222]\n")
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	rules, err := c.Rules()
	if err != nil {
		t.Fatal(err)
	}
	if r := rules["111111111111"]; r.Isolation.Default != lambda.TierGVisor || r.Isolation.Floor != lambda.TierGVisor || r.Concurrency != 7 || r.CodeStorage != 3<<20 {
		t.Errorf("%+v", r)
	}
	if r := rules["222222222222"]; r.Isolation.Default != lambda.TierLight || r.Concurrency != 1000 || r.CodeStorage != lambda.DefaultCodeStorage {
		t.Errorf("%+v", r)
	}
}

// A secret comes from a file that its owner alone reads, or from a variable.
func TestSecretsAreReadFromWhereNobodyElseLooks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("secret of some length\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SECRET_OF_TEST", "another secret of some length")
	c := withAccounts(t, "[accounts.111111111111]\nkeys = { AKID000000000001 = \"file:"+path+"\", AKID000000000002 = \"env:SECRET_OF_TEST\" }\n")
	all, err := c.Credentials()
	if err != nil || all["AKID000000000001"] != (Credential{"111111111111", "secret of some length"}) || all["AKID000000000002"].Secret != "another secret of some length" {
		t.Errorf("%v %v", all, err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Credentials(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others read: %v", err)
	}
}
