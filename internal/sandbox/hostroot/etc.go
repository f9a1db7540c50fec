package hostroot

import (
	"maps"
	"path/filepath"
)

// ownEtc are files of /etc that must not tell of the host.
var ownEtc = map[string]string{
	"passwd": "root:x:0:0:root:/:/usr/sbin/nologin\n" +
		"sbx_user1051:x:993:990::/home/sbx_user1051:/usr/sbin/nologin\n" +
		"nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
	"group":         "root:x:0:\nsbx_group1051:x:990:\nnogroup:x:65534:\n",
	"hosts":         "127.0.0.1 localhost " + Hostname + "\n::1 localhost\n",
	"hostname":      Hostname + "\n",
	"nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
}

// hostEtc are patterns of what programs of the host's /usr read from /etc: the
// linker's cache, certificates, the time zone, and what Debian's and Red Hat's
// interpreters keep there.
var hostEtc = []string{
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives",
	"/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls", "/etc/pki/ca-trust", "/etc/ca-certificates",
	"/etc/crypto-policies", "/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/services",
	"/etc/protocols", "/etc/os-release", "/etc/debian_version", "/etc/python*", "/etc/java*", "/etc/perl", "/etc/php*",
	"/etc/ImageMagick*", "/etc/fonts",
}

// etc fills /etc. With HostFolders the host's own is there already.
func (r Root) etc() error {
	if r.HostFolders {
		return nil
	}
	if err := r.etcFiles(); err != nil {
		return err
	}
	return r.hostEtc()
}

// ownEtc is ownEtc with what is this root's own.
func (r Root) ownEtc() map[string]string {
	all := maps.Clone(ownEtc)
	all["resolv.conf"] = r.ResolvConf
	return all
}

func (r Root) hostEtc() error {
	for _, pattern := range hostEtc {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := r.show(path); err != nil {
				return err
			}
		}
	}
	return nil
}
