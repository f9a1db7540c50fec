package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

var (
	account = regexp.MustCompile(`^\d{12}$`)
	region  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
)

// Validate says everything that is wrong with the settings, each with what to do.
func (c *Config) Validate() error {
	return errors.Join(c.validateNames(), c.validateAddresses(), c.validateLimits(), c.S3.validate(), c.Traces.validate(), c.Price.validate(), c.Network.validate(), c.validateAccounts())
}

func (c *Config) validateNames() error {
	var wrong []error
	if !filepath.IsAbs(c.Data) {
		wrong = append(wrong, fmt.Errorf("data: %q is not an absolute path", c.Data))
	}
	if c.KeyFile != "" && !filepath.IsAbs(c.KeyFile) {
		wrong = append(wrong, fmt.Errorf("key-file: %q is not an absolute path", c.KeyFile))
	}
	if !account.MatchString(c.Account) {
		wrong = append(wrong, fmt.Errorf("account: %q is not 12 digits", c.Account))
	}
	if !region.MatchString(c.Region) {
		wrong = append(wrong, fmt.Errorf("region: %q does not look like us-east-1", c.Region))
	}
	if monitors := []string{"auto", "qemu", "firecracker"}; !slices.Contains(monitors, c.MicroVMMonitor) {
		wrong = append(wrong, fmt.Errorf("microvm-monitor: %q is none of %s", c.MicroVMMonitor, strings.Join(monitors, ", ")))
	}
	if _, err := c.Rule(); err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// Rule is how strongly functions are isolated.
func (c *Config) Rule() (lambda.Isolation, error) {
	var rule lambda.Isolation
	var wrong []error
	for _, s := range []struct {
		setting, name string
		tier          *lambda.Tier
	}{
		{"isolation", c.Isolation, &rule.Default},
		{"untrusted-isolation", c.UntrustedIsolation, &rule.Untrusted},
		{"isolation-floor", cmp.Or(c.IsolationFloor, lambda.TierProcess.String()), &rule.Floor},
	} {
		var err error
		if *s.tier, err = lambda.ParseTier(s.name); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", s.setting, err))
		}
	}
	if len(wrong) == 0 && rule.Default < rule.Floor {
		wrong = append(wrong, fmt.Errorf("isolation: %s is below isolation-floor, which is %s: set isolation to %s or a stronger one", rule.Default, rule.Floor, rule.Floor))
	}
	return rule, errors.Join(wrong...)
}

// validateAddresses holds the rule that nobody but this machine reaches a server: it speaks no
// TLS, so what is answered, environments among it, would be read on the way.
func (c *Config) validateAddresses() error {
	return errors.Join(onLoopback("listen", c.Listen), onLoopback("admin", c.Admin))
}

func onLoopback(setting, addr string) error {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return fmt.Errorf("%s: %q is not an address such as 127.0.0.1:9700", setting, addr)
	}
	if !ap.Addr().IsLoopback() {
		return fmt.Errorf("%s: %s is not on loopback, and this server speaks no TLS: use 127.0.0.1 and a proxy that authenticates callers, or [accounts] and one that keeps Host", setting, addr)
	}
	return nil
}

// validate names no value of a secret.
func (s *S3) validate() error {
	if s.Endpoint == "" {
		if *s != (S3{}) {
			return errors.New("s3.endpoint: is missing, and the other settings of s3 mean nothing without it")
		}
		return nil
	}
	var wrong []error
	u, err := url.Parse(s.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		wrong = append(wrong, errors.New("s3.endpoint: is not a URL such as https://s3.example.org"))
	}
	if s.Region != "" && !region.MatchString(s.Region) {
		wrong = append(wrong, fmt.Errorf("s3.region: %q does not look like us-east-1", s.Region))
	}
	if (s.AccessKey == "") != (s.SecretKey == "") {
		wrong = append(wrong, errors.New("s3.access-key and s3.secret-key: set both, or neither for public objects"))
	}
	return errors.Join(wrong...)
}

func (c *Config) validateLimits() error {
	var wrong []error
	for _, l := range []struct {
		name  string
		value int64
		least int64
	}{
		{"memory-budget", int64(c.MemoryBudget), 0},
		{"concurrency", int64(c.Concurrency), 1},
		{"code-storage", c.CodeStorage, 1},
		{"queue-limit", int64(c.QueueLimit), 0},
		{"keep-alive", int64(c.KeepAlive), 0},
		{"queue-timeout", int64(c.QueueTimeout), 0},
		{"init-timeout", int64(c.InitTimeout), 1},
		{"function-logs.max-size", c.FunctionLogs.MaxSize, 1},
		{"function-logs.rate", c.FunctionLogs.Rate, 1},
		{"stems.floor", int64(c.Stems.Floor), 0},
		{"stems.ceiling", int64(c.Stems.Ceiling), 0},
		{"stems.memory", c.Stems.Memory, 0},
		{"boxes.floor", int64(c.Boxes.Floor), 0},
		{"boxes.ceiling", int64(c.Boxes.Ceiling), 0},
	} {
		if l.value < l.least {
			wrong = append(wrong, fmt.Errorf("%s: must be at least %d", l.name, l.least))
		}
	}
	if c.Boxes.Floor > c.Boxes.Ceiling {
		wrong = append(wrong, fmt.Errorf("boxes.floor: is %d, above boxes.ceiling, which is %d", c.Boxes.Floor, c.Boxes.Ceiling))
	}
	if c.Stems.Floor > c.Stems.Ceiling {
		wrong = append(wrong, fmt.Errorf("stems.floor: is %d, above stems.ceiling, which is %d", c.Stems.Floor, c.Stems.Ceiling))
	}
	return errors.Join(wrong...)
}

func (t *Traces) validate() error {
	u, err := url.Parse(t.Endpoint)
	if t.Endpoint != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("traces.endpoint: %q is not a URL such as http://127.0.0.1:4318", t.Endpoint)
	}
	if t.Share < 0 || t.Share > 1 {
		return fmt.Errorf("traces.share: %g is not between 0 and 1", t.Share)
	}
	return nil
}

func (p *Price) validate() error {
	if p.MachineMonth < 0 {
		return fmt.Errorf("price.machine-month: %g is below 0", p.MachineMonth)
	}
	return nil
}
