package light_test

import (
	"slices"
	"strings"
	"testing"
)

// setting is a variable that only a fresh interpreter honours.
type setting struct {
	name, value string
	honoured    string            // says whether it took effect
	opt         map[string]string // what a layer brings for it
	since       string            // runtime that honours it first; "" = all
}

const tls13 = `openssl_conf = a
[a]
ssl_conf = b
[b]
system_default = c
[c]
Ciphersuites = TLS_CHACHA20_POLY1305_SHA256
`

// pythonSettings are shown by Python expressions.
var pythonSettings = []setting{
	{name: "PYTHONOPTIMIZE", value: "2", honoured: "sys.flags.optimize == 2"},
	{name: "PYTHONDONTWRITEBYTECODE", value: "1", honoured: "sys.dont_write_bytecode"},
	{name: "PYTHONHASHSEED", value: "0", honoured: "sys.flags.hash_randomization == 0"},
	{name: "PYTHONHASHSEED", value: "random", honoured: "sys.flags.hash_randomization == 1"},
	{name: "PYTHONUNBUFFERED", value: "1"},
	{name: "PYTHONWARNINGS", value: "error", honoured: "sys.warnoptions == ['error']"},
	{name: "PYTHONUTF8", value: "1", honoured: "sys.flags.utf8_mode == 1", since: "python3.7"},
	{name: "PYTHONPATH", value: "/opt/own", honoured: "__import__('mine').__file__.startswith('/opt/own')", opt: map[string]string{"own/mine.py": ""}},
	{name: "PYTHONFAULTHANDLER", value: "1", honoured: "__import__('faulthandler').is_enabled()"},
	{name: "PYTHONTRACEMALLOC", value: "1", honoured: "__import__('tracemalloc').is_tracing()"},
	{name: "PYTHONNOUSERSITE", value: "1", honoured: "sys.flags.no_user_site == 1"},
	{name: "PYTHONIOENCODING", value: "latin-1", honoured: "__import__('codecs').lookup(sys.__stdin__.encoding).name == 'iso8859-1'"},
	{name: "PYTHONDEVMODE", value: "1", honoured: "sys.flags.dev_mode == True", since: "python3.7"},
	{name: "PYTHONINTMAXSTRDIGITS", value: "5000", honoured: "sys.get_int_max_str_digits() == 5000", since: "python3.12"},
	{name: "PYTHONPYCACHEPREFIX", value: "/tmp/cache", honoured: "sys.pycache_prefix == '/tmp/cache'", since: "python3.8"},
	{name: "LC_ALL", value: "POSIX", honoured: "__import__('locale').setlocale(0) in ('C', 'POSIX')"},
	{name: "LANG", value: "C.UTF-8", honoured: "'LC_CTYPE' not in os.environ and __import__('locale').setlocale(0) == 'C.UTF-8'"},
	{
		name: "OPENSSL_CONF", value: "/opt/own.cnf", opt: map[string]string{"own.cnf": tls13},
		honoured: "'TLS_AES_128_GCM_SHA256' not in [c['name'] for c in ssl.SSLContext(ssl.PROTOCOL_TLS).get_ciphers()]", since: "python3.7",
	},
	{name: "AWS_LAMBDA_EXEC_WRAPPER", value: "/opt/wrapper", honoured: "os.environ['WRAPPED'] == 'yes'", opt: map[string]string{"wrapper": "#!/bin/sh\nWRAPPED=yes exec \"$@\"\n"}},
	{name: "LD_PRELOAD", value: "/opt/libanswer.so", honoured: "ctypes.CDLL(None).answer() == 42", opt: map[string]string{"libanswer.so": ""}},
	{name: "LD_LIBRARY_PATH", value: "/opt/own", honoured: "ctypes.CDLL('libanswer.so').answer() == 42", opt: map[string]string{"own/libanswer.so": ""}},
	{name: "LD_BIND_NOW", value: "1"},
	{name: "GLIBC_TUNABLES", value: "glibc.malloc.arena_max=1"},
	{name: "MALLOC_ARENA_MAX", value: "1"},
	{name: "LOCPATH", value: "/opt/own"},
	{name: "LANGUAGE", value: "de"},
	{name: "SSL_CERT_FILE", value: "/opt/own.pem", honoured: "ssl.get_default_verify_paths().cafile in ('/opt/own.pem', None)"},
}

// nodeSettings are shown by JavaScript expressions.
var nodeSettings = []setting{
	{name: "NODE_OPTIONS", value: "--stack-trace-limit=77", honoured: "Error.stackTraceLimit === 77"},
	{name: "NODE_OPTIONS", value: "--require /opt/own.js", honoured: "globalThis.own === 1", opt: map[string]string{"own.js": "globalThis.own = 1;"}},
	{name: "NODE_PATH", value: "/opt/own", honoured: "require('mine') === 1", opt: map[string]string{"own/mine.js": "module.exports = 1;"}},
	{name: "NODE_PENDING_DEPRECATION", value: "1"},
	{name: "NODE_EXTRA_CA_CERTS", value: "/opt/own.pem"},
	{name: "NODE_ICU_DATA", value: "/opt/own"},
	{name: "UV_THREADPOOL_SIZE", value: "1"},
	{name: "ICU_DATA", value: "/opt/own"},
	{name: "LD_PRELOAD", value: "/opt/libanswer.so", honoured: "require('fs').readFileSync('/proc/self/maps', 'latin1').includes('libanswer')", opt: map[string]string{"libanswer.so": ""}},
	{name: "LC_ALL", value: "de_DE.UTF-8", honoured: "Intl.DateTimeFormat().resolvedOptions().locale === 'de-DE'"},
	{name: "LANG", value: "fr_FR.UTF-8", honoured: "Intl.DateTimeFormat().resolvedOptions().locale === 'fr-FR'"},
	{name: "MALLOC_ARENA_MAX", value: "1"},
	{name: "OPENSSL_CONF", value: "/opt/own.cnf"},
	{name: "AWS_LAMBDA_EXEC_WRAPPER", value: "/opt/wrapper", honoured: "process.env.WRAPPED === 'yes'", opt: map[string]string{"wrapper": "#!/bin/sh\nWRAPPED=yes exec \"$@\"\n"}},
}

// TestSettingsForAFreshInterpreter: each has its effect in what a function gets, which is
// an interpreter that waited where the catalogue lets one wait.
func TestSettingsForAFreshInterpreter(t *testing.T) {
	s := newStation(t)
	answer := library(t, t.TempDir())
	for language, settings := range map[string][]setting{"python": pythonSettings, "nodejs": nodeSettings} {
		for _, runtime := range s.runtimes(language) {
			for _, set := range settings {
				if set.since != "" && older(runtime, set.since) {
					continue
				}
				for name := range set.opt {
					if strings.HasSuffix(name, ".so") {
						set.opt[name] = answer
					}
				}
				t.Run(runtime+"/"+set.name+"="+set.value, func(t *testing.T) { s.honours(t, language, runtime, set) })
			}
		}
	}
}

// older compares python3.9 and python3.10.
func older(a, b string) bool {
	return len(a) < len(b) || len(a) == len(b) && a < b
}

func (s *station) honours(t *testing.T, language, runtime string, set setting) {
	c := code{env: map[string]string{set.name: set.value}, opt: set.opt}
	launch := s.launch(t, runtime, c)
	if want := set.name + " is honoured by a fresh interpreter only"; launch.Fresh != want {
		t.Errorf("the reason is %q, want %q", launch.Fresh, want)
	}
	i := s.serve(t, runtime, launch.Preload != "", c)
	honoured := set.honoured
	if honoured == "" { // it started with it
		honoured = map[string]string{
			"python": "b'" + set.name + "=" + set.value + "' in open('/proc/self/environ', 'rb').read().split(bytes(1))",
			"nodejs": "require('fs').readFileSync('/proc/self/environ', 'latin1').split(String.fromCharCode(0)).includes('" + set.name + "=" + set.value + "')",
		}[language]
	}
	var took bool
	i.evaluate(&took, map[string]string{
		"python": "import ctypes, os, ssl, sys\ndef result():\n    return bool(" + honoured + ")\n", "nodejs": "return " + honoured,
	}[language])
	if !took {
		t.Errorf("%s=%s has no effect", set.name, set.value)
	}
}

// TestSettingsThatAnInterpreterCanWaitFor take effect although it waited.
func TestSettingsThatAnInterpreterCanWaitFor(t *testing.T) {
	s := newStation(t)
	env := map[string]string{"TZ": "America/New_York", "TMPDIR": "/tmp/own", "NODE_ENV": "production", "HTTP_PROXY": "http://x:1", "AWS_LAMBDA_LOG_LEVEL": "DEBUG", "PATH": "/opt/own:/usr/bin:/bin"}
	for language, program := range map[string]string{
		"python": "import os, logging, shutil, tempfile, time, urllib.request\nos.makedirs('/tmp/own', exist_ok=True)\ndef result():\n" +
			"    return [time.tzname[0], tempfile.gettempdir(), os.environ['NODE_ENV'], urllib.request.getproxies()['http'], logging.getLogger().level == 10, shutil.which('tool')]\n",
		"nodejs": `const os = require('os'); return [new Date(0).toString().includes('19:00') ? 'EST' : '', os.tmpdir(), process.env.NODE_ENV, process.env.HTTP_PROXY, true, require('child_process').execSync('which tool').toString().trim()]`,
	} {
		for _, runtime := range s.runtimes(language) {
			t.Run(runtime, func(t *testing.T) {
				var got []any
				s.serve(t, runtime, true, code{env: env, opt: map[string]string{"own/tool": "#!/bin/sh\n"}}).evaluate(&got, program)
				want := []any{"EST", "/tmp/own", "production", "http://x:1", true, "/opt/own/tool"}
				if !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
			})
		}
	}
}
