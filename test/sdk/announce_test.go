package sdk

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestStartBeginsBeforeTheBodyHasArrived sends a long event slowly: when its last bytes
// leave, an instance waits for it already.
func TestStartBeginsBeforeTheBodyHasArrived(t *testing.T) {
	needs(t)
	d := up(t, t.TempDir())
	deploy(t, d.client(), creation(t, "slow", "app.py", "app.echo"))
	event := `"` + strings.Repeat("x", 100<<10) + `"`
	conn, err := net.Dial("tcp", d.Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /2015-03-31/functions/slow/invocations HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", d.Listen, len(event), event[:10])
	for end := time.Now().Add(10 * time.Second); !strings.Contains(d.metrics(t), `lambent_instances{state="idle"} 1`); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("nothing was begun while the body was on its way:\n%s", d.metrics(t))
		}
	}
	if _, err := io.WriteString(conn, event[10:]); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if start := answer.Header.Get("X-Lambent-Start"); answer.StatusCode != http.StatusOK || start != "warm" {
		t.Errorf("status %d, start %q", answer.StatusCode, start)
	}
}

// metrics is what the daemon tells Prometheus.
func (d *daemon) metrics(t *testing.T) string {
	t.Helper()
	answer, err := http.Get("http://" + d.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
