package daemon

import (
	"context"
	"fmt"

	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/router"
	"lambent.dev/lambent/internal/sigv4"
)

// openAccounts reads what accounts may and the secrets of their keys. Without accounts there
// is no verifier.
func openAccounts(cfg *config.Config) (map[string]lambda.AccountRule, *sigv4.Verifier, error) {
	rules, err := cfg.Rules()
	if err != nil || len(cfg.Accounts) == 0 {
		return nil, nil, err
	}
	credentials, err := cfg.Credentials()
	if err != nil {
		return nil, nil, fmt.Errorf("reading the keys of accounts: %w", err)
	}
	keys := make(map[string]sigv4.Key, len(credentials))
	for id, c := range credentials {
		keys[id] = sigv4.Key{Account: c.Account, Secret: c.Secret}
	}
	return rules, sigv4.New(keys), nil
}

// probeDefaults refuses to start if what an account has by default does not work here.
func (d *Daemon) probeDefaults(ctx context.Context) error {
	defaults := []lambda.Tier{d.isolation.Default}
	for _, rule := range d.rules {
		defaults = append(defaults, rule.Isolation.Default)
	}
	for _, tier := range defaults {
		if _, err := d.parts.drivers.Probe(ctx, tier); err != nil {
			return fmt.Errorf("isolation %s: %w\n`lambent doctor` says more; --isolation chooses another", tier, err)
		}
	}
	return nil
}

// allotment has the permits of all accounts.
func (d *Daemon) allotment() *router.Local {
	l := router.NewLocal(d.cfg.Concurrency)
	for account, rule := range d.rules {
		l.Limit(account, rule.Concurrency)
	}
	return l
}
