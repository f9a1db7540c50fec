package sdk

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// boto3Version pins AWS's SDK for Python.
const boto3Version = "boto3==1.44.5"

// TestBoto3Waiters shows that every waiter of AWS's SDK for Python ends.
func TestBoto3Waiters(t *testing.T) {
	t.Parallel()
	needs(t)
	lib := t.TempDir()
	install := exec.CommandContext(t.Context(), "/usr/bin/python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"--root-user-action=ignore", "--target", lib, boto3Version)
	if out, err := install.CombinedOutput(); err != nil {
		lacking(t, "installing "+boto3Version+": "+err.Error()+"\n"+string(out))
	}
	pkg := filepath.Join(t.TempDir(), "app.zip")
	if err := os.WriteFile(pkg, pack(t, "app.py"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := up(t, t.TempDir())
	script := exec.CommandContext(t.Context(), "/usr/bin/python3", filepath.Join("testdata", "waiters.py"), "waited", python, pkg)
	script.Env = append(os.Environ(), "PYTHONPATH="+lib, "AWS_ENDPOINT_URL_LAMBDA=http://"+d.Listen, "AWS_REGION=us-east-1",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_EC2_METADATA_DISABLED=true")
	out, err := script.CombinedOutput()
	if err != nil || strings.Count(string(out), "\n") != 6 {
		t.Errorf("waiting: %v\n%s", err, out)
	}
}
