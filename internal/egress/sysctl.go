package egress

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// sysctl writes a setting of the calling thread's network namespace. What this kernel does not
// have needs no setting.
func sysctl(name, value string) error {
	err := os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func sysctls(settings map[string]string) error {
	var failed []error
	for name, value := range settings {
		failed = append(failed, sysctl(name, value))
	}
	return errors.Join(failed...)
}

// configureHub makes the calling thread's network namespace one that forwards IPv4 and
// nothing else. Strict reverse paths are the second thing beside its rules that stops forged
// sources.
func configureHub() error {
	settings := map[string]string{"ipv4/ip_forward": "1"}
	for _, which := range []string{"all", "default"} {
		settings["ipv4/conf/"+which+"/rp_filter"] = "1"
		settings["ipv4/conf/"+which+"/accept_redirects"] = "0"
		settings["ipv4/conf/"+which+"/send_redirects"] = "0"
		settings["ipv4/conf/"+which+"/accept_source_route"] = "0"
		settings["ipv6/conf/"+which+"/disable_ipv6"] = "1"
	}
	return sysctls(settings)
}

// idle is after how many seconds a connection without traffic is forgotten; the kernel's own
// value is five days, in which a sandbox could fill the table.
const idle = "3600"

// configureTracking needs the rules to be there, which load the tracking.
func configureTracking() error { return sysctl("netfilter/nf_conntrack_tcp_timeout_established", idle) }

// withoutIPv6 switches IPv6 off on an interface, which must not be up yet.
func withoutIPv6(link string) error {
	return sysctls(map[string]string{"ipv6/conf/" + link + "/disable_ipv6": "1", "ipv6/conf/" + link + "/addr_gen_mode": "1"})
}
