package sdk

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// What a server serves stands on the page of metrics, it says why a request was not warm, and
// names that callers make up add no series.
func TestMetrics(t *testing.T) {
	t.Parallel()
	needs(t)
	d := up(t, t.TempDir())
	client := d.client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	answers(t, client, "echo", `1`, `1`)
	answers(t, client, "echo", `2`, `2`)
	invokeStranger(t, client, 0)
	before := d.metrics(t)

	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^# HELP (lambent_\w+) `).FindAllStringSubmatch(before, -1) {
		if !strings.Contains(string(page), "\n| `"+m[1]+"` | ") {
			t.Errorf("docs/metrics.md lacks %s", m[1])
		}
	}
	if first := regexp.MustCompile(`(?m)^lambent_starts_total\{isolation="light",start="\w+",why="first"\} 1$`); !first.MatchString(before) {
		t.Errorf("no start for the first invocation:\n%s", before)
	}
	if tax := regexp.MustCompile(`(?m)^lambent_tax_seconds_total\{isolation="light"\} [0-9.e-]*[1-9]`); !tax.MatchString(before) {
		t.Errorf("no tax of light:\n%s", before)
	}
	for i := range 300 {
		invokeStranger(t, client, i)
	}
	if was, is := series(before), series(d.metrics(t)); is != was {
		t.Errorf("%d series, then %d", was, is)
	}
}

func invokeStranger(t *testing.T, client *lambda.Client, i int) {
	t.Helper()
	in := &lambda.InvokeInput{FunctionName: aws.String(fmt.Sprintf("stranger-%d", i)), Qualifier: aws.String(fmt.Sprintf("alias-%d", i))}
	if _, err := client.Invoke(t.Context(), in); err == nil {
		t.Error("a function that is not there answered")
	}
}

// series counts those of Lambent; of stems there is a series for each kind that was made by then.
func series(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "lambent_") && !strings.HasPrefix(line, "lambent_stems_") && !strings.HasPrefix(line, "lambent_boxes_") {
			n++
		}
	}
	return n
}
