package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDefaultsAreValid(t *testing.T) {
	c := Default()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestEnvironmentWinsOverFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lambent.toml")
	text := "keep-alive = \"5m\"\nregion = \"eu-central-1\"\n[function-logs]\nrate = 7\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, []string{"LAMBENT_REGION=eu-west-1", "LAMBENT_FREEZE_AFTER=-1s", "LAMBENT_ALLOW_PROCESS=true", "OTHER=1"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Region != "eu-west-1" || time.Duration(c.KeepAlive) != 5*time.Minute || c.FunctionLogs.Rate != 7 || c.FreezeAfter >= 0 || !c.AllowProcess {
		t.Errorf("got %+v", c)
	}
}

func TestUnknownKeysNameTheNearest(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{`keepalive = "5m"`, `did you mean "keep-alive"?`},
		{`[function-logs]` + "\n" + `rat = 5`, `did you mean "function-logs.rate"?`},
		{`dta = "d"`, `did you mean "data"?`},
		{`colour = "red"`, `unknown setting "colour";`},
		{`lag = "d"`, `unknown setting "lag";`},
	} {
		c := Default()
		if err := c.decode(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: err = %v, want %s", tc.text, err, tc.want)
		}
	}
}

func TestEveryFieldHasAVariable(t *testing.T) {
	for _, f := range fields() {
		if strings.HasSuffix(f.key, ".") || f.key == "" || f.variable == prefix {
			t.Errorf("field %+v has no name", f)
		}
	}
	if _, err := Load("", []string{"LAMBENT_LISTN=127.0.0.1:1"}); err == nil || !strings.Contains(err.Error(), `"listen"`) {
		t.Errorf("a misspelt variable: %v", err)
	}
}

func TestValidateRefuses(t *testing.T) {
	for _, tc := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Listen = "0.0.0.0:9700" }, "speaks no TLS"},
		{func(c *Config) { c.Listen = "localhost" }, "not an address"},
		{func(c *Config) { c.Account = "12" }, "12 digits"},
		{func(c *Config) { c.Isolation = "strong" }, "unknown isolation"},
		{func(c *Config) { c.MicroVMMonitor = "xen" }, `microvm-monitor: "xen" is none of auto, qemu, firecracker`},
		{func(c *Config) { c.Data = "here" }, "absolute"},
		{func(c *Config) { c.Concurrency = 0 }, "concurrency"},
		{func(c *Config) { c.CodeStorage = 0 }, "code-storage"},
		{func(c *Config) { c.Region = "Mars" }, "region"},
		{func(c *Config) { c.KeyFile = "here" }, "key-file"},
		{func(c *Config) { c.S3.PathStyle = true }, "s3.endpoint: is missing"},
		{func(c *Config) { c.S3.Endpoint = "s3.example.org" }, "not a URL"},
		{func(c *Config) { c.S3.Endpoint = "file:///etc/passwd" }, "not a URL"},
		{func(c *Config) { c.S3.Endpoint = "http://key:secret@s3.example.org" }, "not a URL"},
		{func(c *Config) { c.S3 = S3{Endpoint: "http://127.0.0.1:9000", AccessKey: "a"} }, "set both"},
		{func(c *Config) { c.S3 = S3{Endpoint: "http://127.0.0.1:9000", Region: "Mars"} }, "s3.region"},
		{func(c *Config) { c.Network.Profile = "internet" }, `network.profile: unknown network "internet"`},
		{func(c *Config) { c.Network.Profile = "host" }, "network.allow-host"},
		{func(c *Config) { c.Network.Resolvers = "1.1.1.1 dns" }, `network.resolvers: "dns"`},
	} {
		c := Default()
		tc.change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("err = %v, want %q", err, tc.want)
		}
	}
}

func TestDataFolder(t *testing.T) {
	env := map[string]string{"HOME": "/home/ann"}
	getenv := func(k string) string { return env[k] }
	if got := dataDir(1000, getenv); got != "/home/ann/.local/share/lambent" {
		t.Error(got)
	}
	env["XDG_DATA_HOME"] = "/data"
	if got := dataDir(1000, getenv); got != "/data/lambent" {
		t.Error(got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`listen = "127.0.0.1:1"`)
	f.Add("[function-logs]\nmax-age = \"1h\"")
	f.Add("data = [1")
	f.Fuzz(func(_ *testing.T, text string) {
		c := Default()
		if c.decode(text) == nil {
			_ = c.Validate()
		}
	})
}

// Secrets can stay out of the file.
func TestSecretsOfTheEnvironment(t *testing.T) {
	c, err := Load("", []string{"LAMBENT_S3_ENDPOINT=http://127.0.0.1:9000", "LAMBENT_S3_ACCESS_KEY=a", "LAMBENT_S3_SECRET_KEY=s", "LAMBENT_S3_PATH_STYLE=true"})
	if err != nil {
		t.Fatal(err)
	}
	if want := (S3{Endpoint: "http://127.0.0.1:9000", AccessKey: "a", SecretKey: "s", PathStyle: true}); c.S3 != want || c.Validate() != nil {
		t.Errorf("got %+v, %v", c.S3, c.Validate())
	}
}
