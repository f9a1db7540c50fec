package lambdaapi

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

// updated changes the function and waits until it is done.
func (b *bench) updated(fields map[string]any) reply {
	b.t.Helper()
	if r := b.put("thumbnail/configuration", fields); r.Code != 200 {
		b.t.Fatalf("update: %d %s", r.Code, r.Body)
	}
	return b.settled()
}

func (b *bench) published(fields map[string]any) reply {
	b.t.Helper()
	r := b.with("POST", "thumbnail/versions", fields)
	if r.Code != http.StatusCreated {
		b.t.Fatalf("publish: %d %s", r.Code, r.Body)
	}
	return r
}

// As recorded: version_lifecycle.
func TestVersionLifecycle(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(map[string]any{"Description": "none"})
	b.settled()
	latest := b.updated(map[string]any{"Description": "first"})
	first := b.published(map[string]any{"Description": "override", "CodeSha256": latest.fields["CodeSha256"], "RevisionId": latest.fields["RevisionId"]})
	want := without(latest.fields, "RevisionId")
	want["Version"], want["FunctionArn"], want["Description"] = "1", thumbnailARN+":1", "override"
	if diff := cmp.Diff(want, without(first.fields, "RevisionId")); diff != "" || first.fields["RevisionId"] == latest.fields["RevisionId"] {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff(first.fields, b.published(nil).fields); diff != "" {
		t.Errorf("an unchanged function was published again: %s", diff)
	}
	b.updated(map[string]any{"Description": "first"}) // changes nothing
	if again := b.published(nil); again.fields["Version"] != "1" {
		t.Errorf("an update that changes nothing made version %v", again.fields["Version"])
	}
	b.updated(map[string]any{"Description": "second"})
	if second := b.published(nil); second.fields["Version"] != "2" || second.fields["Description"] != "second" {
		t.Errorf("%v", second.fields)
	}
	if got := b.do("GET", functions+"/thumbnail:1/configuration", ""); cmp.Diff(first.fields, got.fields) != "" {
		t.Errorf("the update of $LATEST changed version 1: %v", got.fields)
	}
	if diff := cmp.Diff([]string{"$LATEST", "1", "2"}, b.versions("")); diff != "" {
		t.Error(diff)
	}
}

// versions reads all pages of ListVersionsByFunction.
func (b *bench) versions(query string) []string {
	b.t.Helper()
	var names []string
	marker := ""
	for range 100 {
		r := b.do("GET", functions+"/thumbnail/versions?"+query+"&Marker="+marker, "")
		if r.Code != 200 {
			b.t.Fatalf("%d %s", r.Code, r.Body)
		}
		for _, f := range r.fields["Versions"].([]any) {
			v := f.(map[string]any)
			name := v["Version"].(string)
			if v["FunctionArn"] != thumbnailARN+":"+name || v["State"] != nil || v["LastUpdateStatus"] != nil || v["RuntimeVersionConfig"] != nil {
				b.t.Errorf("listed %v", v)
			}
			names = append(names, name)
		}
		if r.fields["NextMarker"] == nil {
			return names
		}
		marker = r.fields["NextMarker"].(string)
	}
	b.t.Fatal("the list has no end")
	return nil
}

func TestVersionNumbersAreNotUsedTwice(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(map[string]any{"Publish": true})
	b.settled()
	if again := b.published(nil); again.fields["Version"] != "1" {
		t.Errorf("CreateFunction published 1, PublishVersion %v", again.fields["Version"])
	}
	for i := range 11 {
		b.updated(map[string]any{"Timeout": i + 10})
		if r := b.published(nil); r.fields["Version"] != fmt.Sprint(i+2) {
			t.Fatalf("version %v, want %d", r.fields["Version"], i+2)
		}
	}
	want := []string{"$LATEST", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}
	for size := 1; size <= len(want)+1; size++ {
		if diff := cmp.Diff(want, b.versions(fmt.Sprintf("MaxItems=%d", size))); diff != "" {
			t.Errorf("pages of %d: %s", size, diff)
		}
	}
	if r := b.do("DELETE", functions+"/thumbnail:12", ""); r.Code != 204 {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	if r := b.published(nil); r.fields["Version"] != "13" {
		t.Errorf("the number of a deleted version came again: %v", r.fields["Version"])
	}
}

// A page goes on where the last one ended, also when its last version is gone by then.
func TestVersionPagesSurviveDeletion(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(map[string]any{"Publish": true})
	b.settled()
	for i := range 3 {
		b.updated(map[string]any{"Timeout": i + 10})
		b.published(nil)
	}
	for list, field := range map[string]string{functions + "/thumbnail/versions?": "Versions", functions + "?FunctionVersion=ALL&": "Functions"} {
		page := b.do("GET", list+"MaxItems=3", "") // $LATEST, 1 and 2 or what is left
		items := page.fields[field].([]any)
		last := items[len(items)-1].(map[string]any)["Version"].(string)
		b.do("DELETE", functions+"/thumbnail:"+last, "")
		rest := b.do("GET", list+"Marker="+page.fields["NextMarker"].(string), "")
		if got := rest.fields[field].([]any); got[len(got)-1].(map[string]any)["Version"] != "4" {
			t.Errorf("%s after %s: %s", list, last, rest.Body)
		}
	}
}

// As recorded: publish_with_update.
func TestUpdateFunctionCodePublishes(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(nil)
	old := b.settled()
	b.host.held = make(chan struct{})
	r := b.put("thumbnail/code", map[string]any{"ZipFile": zip64("b.py"), "Publish": true})
	want := without(old.fields, "RevisionId", "LastModified", "CodeSha256", "CodeSize", "LastUpdateStatus")
	want["Version"], want["FunctionArn"] = "1", thumbnailARN+":1"
	want["State"], want["StateReason"], want["StateReasonCode"] = "Pending", "The function is being created.", "Creating"
	if diff := cmp.Diff(want, without(r.fields, "RevisionId", "LastModified", "CodeSha256", "CodeSize")); r.Code != 200 || diff != "" {
		t.Errorf("%d -want +got\n%s", r.Code, diff)
	}
	version := b.do("GET", functions+"/thumbnail/configuration?Qualifier=1", "")
	if diff := cmp.Diff(r.fields, version.fields); diff != "" {
		t.Error(diff)
	}
	latest := b.do("GET", functions+"/thumbnail/configuration?Qualifier=$LATEST", "")
	if latest.fields["State"] != "Active" || latest.fields["LastUpdateStatus"] != "InProgress" || latest.fields["RevisionId"] == r.fields["RevisionId"] {
		t.Errorf("%v", latest.fields)
	}
	close(b.host.held)
	b.settled()
	done := b.do("GET", functions+"/thumbnail:1/configuration", "")
	if done.fields["State"] != "Active" || done.fields["LastUpdateStatus"] != "Successful" || done.fields["StateReason"] != nil ||
		done.fields["CodeSha256"] != r.fields["CodeSha256"] || done.fields["RevisionId"] == r.fields["RevisionId"] {
		t.Errorf("%v", done.fields)
	}
}

func TestPublishVersionIsRefused(t *testing.T) {
	b := newBench(t)
	b.create(nil)
	wantRefusal(t, b.with("POST", "thumbnail/versions", nil), 409, "ResourceConflictException",
		"The operation cannot be performed at this time. The function is currently in the following state: Pending")
	b.run()
	latest := b.settled()
	wantRefusal(t, b.with("POST", "thumbnail/versions", map[string]any{"CodeSha256": "somenonexistentsha256"}), 400, parameter, fmt.Sprintf(
		"CodeSHA256 (somenonexistentsha256) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", latest.fields["CodeSha256"]))
	wantRefusal(t, b.with("POST", "nobody/versions", nil), 404, notFound, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody")
	wantRefusal(t, b.with("POST", "thumbnail/versions", map[string]any{"PublishTo": "LATEST_PUBLISHED"}), 400, parameter, notYet+"PublishTo. Leave it out.")
	wantRefusal(t, b.do("GET", functions+"/nobody/versions", ""), 404, notFound, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody")
	if diff := cmp.Diff([]string{"$LATEST"}, b.versions("")); diff != "" {
		t.Error(diff)
	}
}

// A version that an alias runs stays; what is not there is as good as deleted.
func TestDeleteVersion(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(map[string]any{"Publish": true})
	b.settled()
	b.updated(map[string]any{"Timeout": 10})
	b.published(nil)
	b.aliased("live", "1", nil)
	b.aliased("canary", "1", map[string]any{"2": 0.1})
	if _, err := b.Store.UpdateFunction(t.Context(), id("thumbnail"), func(fn *lambda.Function) error {
		fn.Policies = map[string]lambda.Policy{"2": {}, "canary": {}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for version, aliases := range map[string]string{"1": "canary, live", "2": "canary"} {
		wantRefusal(t, b.do("DELETE", functions+"/thumbnail?Qualifier="+version, ""), 409, "ResourceConflictException",
			"Unable to delete version because the following aliases reference it: ["+aliases+"]")
	}
	wantRefusal(t, b.do("DELETE", functions+"/thumbnail:live", ""), 400, parameter, "Deletion of aliases is not currently supported.")
	for _, target := range []string{"thumbnail/aliases/canary", "thumbnail:2", "thumbnail:2", "thumbnail:99"} {
		if r := b.do("DELETE", functions+"/"+target, ""); r.Code != 204 {
			t.Errorf("%s: %d %s", target, r.Code, r.Body)
		}
	}
	if left := b.memory.functions[id("thumbnail")].Policies; len(left) != 0 {
		t.Errorf("policies of what is gone: %v", left)
	}
	wantRefusal(t, b.do("DELETE", functions+"/nobody:1", ""), 404, notFound, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:1")
}
