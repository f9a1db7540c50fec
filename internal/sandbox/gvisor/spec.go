package gvisor

import (
	"encoding/json"
	"os"
	"slices"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/hostroot"
)

// The parts of an OCI runtime specification (runtime-spec v1.2, config.md) that a box needs.
type spec struct {
	Version  string      `json:"ociVersion"`
	Process  specProcess `json:"process"`
	Root     specRoot    `json:"root"`
	Hostname string      `json:"hostname"`
	Mounts   []specMount `json:"mounts"`
	Linux    specLinux   `json:"linux"`
}

type specProcess struct {
	Args            []string            `json:"args"`
	Env             []string            `json:"env"`
	Cwd             string              `json:"cwd"`
	User            struct{}            `json:"user"` // root
	NoNewPrivileges bool                `json:"noNewPrivileges"`
	Capabilities    map[string][]string `json:"capabilities"`
}

type specRoot struct {
	Path     string `json:"path"`
	ReadOnly bool   `json:"readonly"`
}

type specMount struct {
	Destination string   `json:"destination"`
	Type        string   `json:"type"`
	Source      string   `json:"source"`
	Options     []string `json:"options,omitempty"`
}

type specLinux struct {
	Namespaces []specNamespace `json:"namespaces"`
}

type specNamespace struct {
	Type string `json:"type"`
	Path string `json:"path,omitempty"` // of one that is there
}

// agentRights are what the agent needs until Bind: mounts, commands of another user and
// their limits.
var agentRights = []string{"CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_SYS_RESOURCE"}

// moreRights are what an attacker would like to have, where NoCapabilities is taken away.
var moreRights = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_ADMIN", "CAP_NET_RAW",
	"CAP_SETPCAP", "CAP_SYS_CHROOT", "CAP_SYS_NICE", "CAP_SYS_PTRACE", "CAP_SYS_TIME", "CAP_SYS_BOOT", "CAP_SYSLOG", "CAP_BPF",
}

// agentEnv keeps the agent's Go runtime small.
var agentEnv = []string{"GOMAXPROCS=2", "GODEBUG=containermaxprocs=0,updatemaxprocs=0"}

func (b *box) spec() spec {
	t := b.template
	s := spec{
		Version: "1.2.0", Hostname: hostroot.Hostname,
		Root: specRoot{Path: t.root, ReadOnly: t.driver.has(ReadOnlyRoot)},
		Process: specProcess{
			Args: []string{agentproto.Path}, Env: agentEnv, Cwd: "/", NoNewPrivileges: t.driver.has(NoNewPrivs),
			Capabilities: b.rights(),
		},
		Mounts: []specMount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/tmp", Type: "bind", Source: b.folder.tmp(), Options: []string{"bind", "rw"}},
			// What the host mounts there later is seen inside.
			{Destination: agentproto.Folder, Type: "bind", Source: b.folder.share(), Options: []string{"rbind", "rslave", "rw"}},
		},
	}
	for _, kind := range []string{"pid", "ipc", "uts", "mount"} {
		s.Linux.Namespaces = append(s.Linux.Namespaces, specNamespace{Type: kind})
	}
	s.Linux.Namespaces = append(s.Linux.Namespaces, b.networkNamespace()...)
	return s
}

func (b *box) rights() map[string][]string {
	if b.template.driver.has(NoCapabilities) {
		return map[string][]string{"bounding": agentRights, "effective": agentRights, "permitted": agentRights}
	}
	all := slices.Concat(agentRights, moreRights)
	return map[string][]string{"bounding": all, "effective": all, "permitted": all, "inheritable": all}
}

func (b *box) writeSpec() error {
	raw, err := json.Marshal(b.spec())
	if err != nil {
		return err
	}
	return os.WriteFile(b.folder.at("config.json"), raw, 0o600)
}

// runscArgs are the program's arguments, with its name.
func (b *box) runscArgs() []string {
	args := []string{
		"runsc", "--root", b.folder.state(),
		"--platform=systrap", // kvm hangs for ever on some nested machines
		"--network=" + b.networkOfRunsc(),
		"--gofer-network-namespace=host", // the stage's, in which nothing is
		"--ignore-cgroups",               // it is born in the box's
		"--host-uds=open",                // the door's socket
		"--host-fifo=open",               // the door's pipes
		"--overlay2=none",                // the root is read-only, /tmp a volume
		"--host-settings=ignore",         // it would only advise
		"--sidecar-usage-policy=LEGACY_DEPRECATED_SLOW_EMBEDDED_FALLBACK", // what it needs is in the program
	}
	if !b.template.driver.has(NoSUID) {
		args = append(args, "--allow-suid")
	}
	return append(args, "run", "--bundle", string(b.folder), "--pass-fd", "3:3", b.ID)
}
