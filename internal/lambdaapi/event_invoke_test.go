package lambdaapi

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func eventConfig(name string) string {
	return "/2019-09-25/functions/" + name + "/event-invoke-config"
}

var lastModified = regexp.MustCompile(`"LastModified":\d{10}(\.\d{1,3})?,`)

const queue = "arn:aws:sqs:us-east-1:000000000000:q"

// followEvents is follow with the times of changes left out.
func (b *bench) followEvents(steps []step) {
	b.t.Helper()
	for i, s := range steps {
		r := b.do(s.method, s.target, s.body)
		got := lastModified.ReplaceAllString(r.Body.String(), "")
		if r.Code == 200 && got == r.Body.String() && s.want != `{"FunctionEventInvokeConfigs":[]}` {
			b.t.Errorf("step %d: no time in %s", i, got)
		}
		if diff := cmp.Diff(s.want, got); r.Code != s.status || diff != "" {
			b.t.Errorf("step %d: %d, want %d; -want +got\n%s", i, r.Code, s.status, diff)
		}
	}
}

func TestEventInvokeConfig(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	show := func(qualifier, rest string) string {
		return `{"FunctionArn":"` + account + "fn:" + qualifier + `",` + rest + `}`
	}
	none := `"DestinationConfig":{"OnSuccess":{},"OnFailure":{}}`
	both := fmt.Sprintf(`"DestinationConfig":{"OnSuccess":{"Destination":%q},"OnFailure":{"Destination":%q}}`, queue, queue)
	latest, live := eventConfig("fn"), eventConfig("fn")+"?Qualifier=live"
	b.followEvents([]step{
		{"GET", latest + "/list", "", 200, `{"FunctionEventInvokeConfigs":[]}`},
		{"PUT", latest, "{" + both + "}", 200, show("$LATEST", both)},
		{"GET", latest, "", 200, show("$LATEST", both)},
		{"GET", latest + "?Qualifier=$LATEST", "", 200, show("$LATEST", both)},
		{"POST", latest, `{"MaximumRetryAttempts":0}`, 200, show("$LATEST", `"MaximumRetryAttempts":0,`+both)},
		{"POST", latest, `{"MaximumEventAgeInSeconds":60,"DestinationConfig":{"OnSuccess":{}}}`, 200, show("$LATEST", fmt.Sprintf(
			`"MaximumRetryAttempts":0,"MaximumEventAgeInSeconds":60,"DestinationConfig":{"OnSuccess":{},"OnFailure":{"Destination":%q}}`, queue))},
		{"PUT", latest, `{"MaximumEventAgeInSeconds":21600}`, 200, show("$LATEST", `"MaximumEventAgeInSeconds":21600,`+none)},
		{"PUT", live, `{"MaximumRetryAttempts":2}`, 200, show("live", `"MaximumRetryAttempts":2,`+none)},
		{"GET", latest + "/list", "", 200, `{"FunctionEventInvokeConfigs":[` + show("$LATEST", `"MaximumEventAgeInSeconds":21600,`+none) + "," + show("live", `"MaximumRetryAttempts":2,`+none) + `]}`},
		{"DELETE", latest, "", 204, ""},
		{"GET", latest + "/list", "", 200, `{"FunctionEventInvokeConfigs":[` + show("live", `"MaximumRetryAttempts":2,`+none) + `]}`},
	})
}

func TestEventInvokeErrors(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	const none = " doesn't have an EventInvokeConfig"
	const settings = "You must specify at least one of error handling or destination setting."
	to := func(where, destination string) string {
		return fmt.Sprintf(`{"DestinationConfig":{%q:{"Destination":%q}}}`, where, destination)
	}
	b.follow([]step{
		// recorded
		{"GET", eventConfig("gone"), "", 404, "The function " + account + "gone:$LATEST" + none},
		{"GET", eventConfig("fn") + "?Qualifier=1221", "", 404, "The function " + account + "fn:1221" + none},
		{"GET", eventConfig(foreign), "", 404, otherReg},
		{"DELETE", eventConfig("fn"), "", 404, "The function " + account + "fn:$LATEST" + none},
		{"POST", eventConfig("fn:live"), `{"MaximumRetryAttempts":1}`, 404, "The function " + account + "fn:live" + none},
		{"PUT", eventConfig("gone"), `{"MaximumRetryAttempts":1}`, 404, "The function doesn't exist."},
		{"PUT", eventConfig("fn:7"), `{"MaximumRetryAttempts":1}`, 404, "The function doesn't exist."},
		{"GET", eventConfig("gone") + "/list", "", 404, "The function doesn't exist."},
		{"PUT", eventConfig("fn"), `{}`, 400, settings},
		{"POST", eventConfig("fn"), `{}`, 400, settings},
		{"PUT", eventConfig("fn"), `{"MaximumRetryAttempts":3}`, 400, "1 validation error detected: Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 2"},
		{"PUT", eventConfig("fn"), `{"MaximumEventAgeInSeconds":59}`, 400, "1 validation error detected: Value '59' at 'maximumEventAgeInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 60"},
		{"PUT", eventConfig("fn"), to("OnFailure", "nowhere"), 400, "1 validation error detected: Value 'nowhere' at 'destinationConfig.onFailure.destination' failed to satisfy constraint: Member must satisfy regular expression pattern: " + destinationPattern},
		{"PUT", eventConfig("fn"), to("OnSuccess", account+"fn"), 400, "You can't specify the function as a destination for itself."},
		{"PUT", eventConfig("fn"), to("OnSuccess", "arn:aws:s3:::b"), 400, "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:s3:::b), onFailure=null) is invalid."},
		{"PUT", eventConfig("fn"), to("OnFailure", "arn:aws:iam::000000000000:role/r"), 400, "The provided destination config DestinationConfig(onSuccess=null, onFailure=OnFailure(destination=arn:aws:iam::000000000000:role/r)) is invalid."},
		{"PUT", eventConfig("fn:1") + "?Qualifier=2", `{"MaximumRetryAttempts":1}`, 400, "The derived qualifier from the function name does not match the specified qualifier."},
	})
	if n := len(b.memory.functions[id("fn")].EventInvoke); n != 0 {
		t.Errorf("%d configurations", n)
	}
}

func TestDestinations(t *testing.T) {
	b := newBench(t)
	b.create(map[string]any{"FunctionName": "fn"})
	for destination, ok := range map[string]bool{
		"": true, queue: true, account + "other": true, account + "other:live": true,
		"arn:aws:sns:us-east-1:000000000000:topic": true, "arn:aws:events:us-east-1:000000000000:event-bus/b": true, "arn:aws:s3:::bucket": true,
		account: false, account + "a b": false, "arn:aws:lambda:us-east-1:000000000000:layer:l": false, "arn:aws:sqs:::q": false, "kafka://topic": false,
		"arn:aws:sqs:us-east-1:000000000000:": false, "arn:aws:sqs:us-east-1:000000000000:" + strings.Repeat("q", 350): false,
	} {
		r := b.do("PUT", eventConfig("fn"), fmt.Sprintf(`{"MaximumRetryAttempts":1,"DestinationConfig":{"OnFailure":{"Destination":%q}}}`, destination))
		if (r.Code == 200) != ok {
			t.Errorf("%q: %d %s", destination, r.Code, r.Body)
		}
	}
}

func TestEventInvokePages(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	for _, qualifier := range []string{"$LATEST", "1", "live"} {
		b.do("PUT", eventConfig("fn")+"?Qualifier="+qualifier, `{"MaximumRetryAttempts":1}`)
	}
	for size := 1; size <= 4; size++ {
		var got []string
		for marker, more := "", true; more; {
			r := b.do("GET", fmt.Sprintf("%s/list?MaxItems=%d&Marker=%s", eventConfig("fn"), size, url.QueryEscape(marker)), "")
			for _, e := range r.fields["FunctionEventInvokeConfigs"].([]any) {
				got = append(got, strings.TrimPrefix(e.(map[string]any)["FunctionArn"].(string), account+"fn:"))
			}
			marker, more = r.fields["NextMarker"].(string)
		}
		if diff := cmp.Diff([]string{"$LATEST", "1", "live"}, got); diff != "" {
			t.Errorf("pages of %d: -want +got\n%s", size, diff)
		}
	}
}
