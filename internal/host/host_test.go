package host

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"lambent.dev/lambent/internal/sandbox"
)

// tree is a machine's files by path.
func tree(files map[string]string) fstest.MapFS {
	t := fstest.MapFS{}
	for name, text := range files {
		t[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: []byte(text)}
	}
	return t
}

func looked(t *testing.T, files map[string]string, descriptors uint64) map[string]sandbox.Check {
	t.Helper()
	h := &Host{Files: tree(files), Descriptors: func() (uint64, error) { return descriptors, nil }}
	all := map[string]sandbox.Check{}
	for _, c := range h.Checks(context.Background()) {
		if c.Required || !c.OK && c.Fix == "" || c.OK && c.Fix != "" || c.OK == (c.Needed != "") || c.Found == "" {
			t.Errorf("%+v", c)
		}
		all[c.Name] = c
	}
	return all
}

// A machine as it should be has nothing to mend.
func TestGoodMachine(t *testing.T) {
	for name, c := range looked(t, map[string]string{
		"/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
		"/sys/fs/cgroup/cgroup.controllers":                                "cpu io memory pids\n",
		"/proc/self/mounts":                                                "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,favordynmods 0 0\n",
		"/sys/kernel/mm/transparent_hugepage/enabled":                      "always [madvise] never\n",
		"/sys/module/kvm/parameters/nx_huge_pages":                         "N\n",
		"/dev/kvm":                                              "",
		"/sys/devices/system/cpu/smt/active":                    "0\n",
		"/proc/swaps":                                           "Filename Type\n/dev/zram0 partition\n",
		"/proc/sys/kernel/pid_max":                              "4194304\n",
		"/proc/sys/fs/file-max":                                 "9223372036854775807\n",
		"/proc/sys/user/max_net_namespaces":                     "95000\n",
		"/proc/sys/fs/mount-max":                                "100000\n",
		"/proc/sys/net/core/somaxconn":                          "4096\n",
		"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
	}, 1<<20) {
		if !c.OK {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// Each of these costs speed or room, and each has a way out.
func TestEveryAdvice(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"kernel":                    {"/proc/sys/kernel/osrelease": "4.19.0-27-amd64"},
		"pressure":                  {"/proc/stat": "cpu 1"},
		"memory overcommit":         {"/proc/sys/vm/overcommit_memory": "2"},
		"threads of the host":       {"/proc/sys/kernel/threads-max": "7000"},
		"connections by NAT":        {"/proc/sys/net/netfilter/nf_conntrack_max": "8192"},
		"clock source":              {"/sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet"},
		"cgroup mode":               {"/proc/self/mounts": "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"},
		"cgroup favordynmods":       {"/proc/self/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n"},
		"transparent huge pages":    {"/sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never"},
		"kvm.nx_huge_pages":         {"/sys/module/kvm/parameters/nx_huge_pages": "Y"},
		"virtualisation":            {"/proc/cpuinfo": "flags : fpu vme"},
		"hyperthreads":              {"/sys/devices/system/cpu/smt/active": "1"},
		"swap":                      {"/proc/swaps": "Filename Type\n"},
		"process numbers":           {"/proc/sys/kernel/pid_max": "32768"},
		"open files of the host":    {"/proc/sys/fs/file-max": "9000"},
		"namespaces":                {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1"},
		"mounts of a namespace":     {"/proc/sys/fs/mount-max": "10"},
		"connections that may wait": {"/proc/sys/net/core/somaxconn": "128"},
		"CPU frequency":             {"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave"},
		"container":                 {"/.dockerenv": "", "/proc/self/status": "Name:\tx\nSeccomp:\t2\n"},
		"descriptors of a process":  {},
	} {
		if c := looked(t, files, 1024)[name]; c.OK || c.Fix == "" {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// An unreadable machine is no panic and no false alarm about what it does not have.
func TestEmptyMachine(t *testing.T) {
	for name, c := range looked(t, nil, 1<<20) {
		if !c.OK && name != "cgroup mode" && name != "swap" && name != "virtualisation" {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// The disk of the data is the one that is mounted deepest above it, the last where two are at one place.
func TestFileSystemOfTheData(t *testing.T) {
	const mounts = "/dev/a / ext4 rw 0 0\nserver:/x /srv nfs4 rw 0 0\n/dev/b /srv/data xfs rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/c /twice tmpfs rw 0 0\n/dev/d /twice btrfs rw 0 0\n"
	for data, want := range map[string]string{"/var/lib/lambent": "ext4", "/srv/data/x": "xfs", "/srv/database": "!nfs4", "/run/lambent": "!tmpfs", "/twice": "btrfs", "/running": "ext4"} {
		h := &Host{Files: tree(map[string]string{"/proc/self/mounts": mounts}), Data: data}
		kind, bad := strings.CutPrefix(want, "!")
		if c := h.fileSystem(); c.OK == bad || !strings.HasPrefix(c.Found, kind) || bad != (c.Fix != "") {
			t.Errorf("%s: %+v", data, c)
		}
	}
}

func TestDiskIsTimed(t *testing.T) {
	h := This(t.TempDir())
	c := h.disk(context.Background())
	if !strings.HasSuffix(strings.Split(c.Found, ":")[0], " ms") {
		t.Errorf("%+v", c)
	}
	h.Data += "/absent"
	if c := h.disk(context.Background()); c.OK || c.Fix == "" {
		t.Errorf("%+v", c)
	}
}
