package config

import (
	"os"
	"path/filepath"
	"runtime"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Config is all that an owner of a server can set. Every field can stand in the file
// under the name in its toml tag and in the environment under LAMBENT_ and that name
// in capitals, dots and dashes as underscores.
type Config struct {
	Data   string `toml:"data"`   // folder of everything that lasts
	Listen string `toml:"listen"` // address of the Lambda API
	Admin  string `toml:"admin"`  // address of metrics and health
	Store  string `toml:"store"`  // "" = SQLite in Data; or a postgres:// URL
	// KeyFile holds the key that seals environment variables; "" = secret.key in Data. It is
	// made at the first start.
	KeyFile string `toml:"key-file"`

	Account string `toml:"account"` // 12 digits; with Accounts: the one that commands act for
	Region  string `toml:"region"`

	Isolation string `toml:"isolation"` // tier of functions that name none
	// IsolationFloor is the weakest tier that a function may have; "" = any.
	IsolationFloor string `toml:"isolation-floor"`
	// UntrustedIsolation is the weakest tier of functions that are tagged lambent:untrusted.
	UntrustedIsolation string `toml:"untrusted-isolation"`

	// MicroVMMonitor runs guests of the tier microvm: qemu, firecracker, or auto: Firecracker where it
	// and KVM are there, else QEMU.
	MicroVMMonitor string `toml:"microvm-monitor"`

	AllowProcess bool     `toml:"allow-process"` // offer the tier process: no isolation at all
	SandboxIDs   string   `toml:"sandbox-ids"`   // user and group ids of the host for sandboxes: FIRST-LAST; "" = 1879048192-2147483647
	KeepAlive    Duration `toml:"keep-alive"`    // how long an idle instance stays
	FreezeAfter  Duration `toml:"freeze-after"`  // idle time before an instance is frozen; negative = never
	ReclaimAfter Duration `toml:"reclaim-after"` // idle time before its memory is pushed out to swap; negative = never
	MemoryBudget int      `toml:"memory-budget"` // MiB for all instances; 0 = three quarters of the host's
	Concurrency  int      `toml:"concurrency"`   // requests at once in the account
	CodeStorage  int64    `toml:"code-storage"`  // MiB of packages of all versions and layers of the account
	QueueLimit   int      `toml:"queue-limit"`   // requests that may wait per function version
	QueueTimeout Duration `toml:"queue-timeout"` // how long one may wait for an instance
	InitTimeout  Duration `toml:"init-timeout"`  // for a function's initialisation

	LogLevel  string `toml:"log-level"`  // of the server's own log: debug, info, warn, error
	LogFormat string `toml:"log-format"` // text or json

	FunctionLogs FunctionLogs `toml:"function-logs"`
	Stems        Stems        `toml:"stems"`
	Boxes        Boxes        `toml:"boxes"`
	S3           S3           `toml:"s3"`
	Network      Network      `toml:"network"`
	Price        Price        `toml:"price"`
	Traces       Traces       `toml:"traces"`

	// Accounts have names, keys and limits of their own, by their 12 digits. Where there are
	// any, each request must be signed with a key of one. They stand in the file only.
	Accounts map[string]Account `toml:"accounts,omitempty"`
}

// Traces says where a trace of each invocation goes.
type Traces struct {
	Endpoint string  `toml:"endpoint"` // URL of an OpenTelemetry collector that takes OTLP over HTTP; "" = none are sent
	Share    float64 `toml:"share"`    // of invocations of which no caller decided, from 0 to 1
}

// Price says what the machine costs, so that Lambent can say what an invocation does.
type Price struct {
	MachineMonth float64 `toml:"machine-month"` // US dollars for this machine; 0 = unknown
	Table        string  `toml:"table"`         // file over the built-in prices of AWS; "" = none
}

// Stems bounds the sandboxes that are kept ready for functions that are not known yet.
type Stems struct {
	Floor   int   `toml:"floor"`   // for each kind of sandbox that is in use
	Ceiling int   `toml:"ceiling"` // for each kind; 0 = none are made ahead
	Memory  int64 `toml:"memory"`  // bytes for all of them, and for boxes; 0 = a thirty-second of the host's
}

// Boxes bounds the sandboxes that are kept ready without an interpreter, for starts that find
// no stem.
type Boxes struct {
	Floor   int `toml:"floor"`   // for each kind of sandbox that is in use
	Ceiling int `toml:"ceiling"` // for each kind; 0 = none are made ahead
}

// Network says what functions may reach.
type Network struct {
	// Profile of functions that name none: none, egress or host; "" = egress where this host
	// gives it, else none.
	Profile   string `toml:"profile"`
	AllowHost bool   `toml:"allow-host"` // offer the profile host: the host's own network
	Resolvers string `toml:"resolvers"`  // name servers that functions' names are asked of, with blanks between; "" = the host's
}

// S3 is the object store that functions' code is read from: AWS's, or one that speaks
// its protocol.
type S3 struct {
	Endpoint  string `toml:"endpoint"` // http:// or https:// URL; "" = none: code from S3 is refused
	Region    string `toml:"region"`   // "" = the server's
	AccessKey string `toml:"access-key"`
	SecretKey string `toml:"secret-key"`
	PathStyle bool   `toml:"path-style"` // the bucket in the path and not in the host's name
}

// FunctionLogs bounds what is kept of the functions' own logs.
type FunctionLogs struct {
	MaxAge  Duration `toml:"max-age"`
	MaxSize int64    `toml:"max-size"` // bytes per function
	Rate    int64    `toml:"rate"`     // bytes per second per function
}

// Duration is a time.Duration that reads as "10m" in a file or variable.
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Default returns the settings of a server that nobody configured. home is where a
// user's data goes; root's goes to /var/lib/lambent.
func Default() Config {
	return Config{
		Data: dataDir(os.Geteuid(), os.Getenv), Listen: "127.0.0.1:9700", Admin: "127.0.0.1:9701",
		Account: "000000000000", Region: "us-east-1", Isolation: "light", UntrustedIsolation: "gvisor", MicroVMMonitor: "auto",
		KeepAlive: Duration(10 * time.Minute), FreezeAfter: Duration(10 * time.Second), ReclaimAfter: Duration(time.Minute),
		Concurrency: 1000, CodeStorage: lambda.DefaultCodeStorage >> 20, QueueLimit: 1000, QueueTimeout: Duration(10 * time.Second), InitTimeout: Duration(10 * time.Second),
		LogLevel: "info", LogFormat: "text",
		FunctionLogs: FunctionLogs{MaxAge: Duration(14 * 24 * time.Hour), MaxSize: 256 << 20, Rate: 1 << 20},
		Stems:        Stems{Floor: 8, Ceiling: 64},
		Boxes:        Boxes{Floor: 8, Ceiling: 64},
		Traces:       Traces{Share: 1},
	}
}

// dataDir follows the XDG Base Directory Specification for everyone but root.
func dataDir(uid int, getenv func(string) string) string {
	if uid == 0 && runtime.GOOS == "linux" {
		return "/var/lib/lambent"
	}
	if base := getenv("XDG_DATA_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "lambent")
	}
	return filepath.Join(getenv("HOME"), ".local", "share", "lambent")
}
