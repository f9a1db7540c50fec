package sdk

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// The whole line of Lambent in one script: up, four calls by the SDK, an answer,
// kill -9 of the daemon, up again, the same answer, nothing left on the host.
func TestFunctionOutlivesKill(t *testing.T) {
	t.Parallel()
	needs(t)
	w := watch(t)

	first := w.up()
	client := first.client()
	created := deploy(t, client, creation(t, "echo", "app.py", "app.echo")) // calls 1 and 2: create, get
	answers(t, client, "echo", `{"basket":[1,2,3]}`, `{"basket":[1,2,3]}`)  // call 3: invoke
	listed, err := client.ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
	if err != nil || len(listed.Functions) != 1 || aws.ToString(listed.Functions[0].CodeSha256) != aws.ToString(created.CodeSha256) {
		t.Errorf("listed %+v, %v", listed, err)
	}
	before := getFunction(t, client, "echo")
	first.kill()

	second := w.up()
	client = second.client()
	answers(t, client, "echo", `{"basket":[1,2,3]}`, `{"basket":[1,2,3]}`)
	after := getFunction(t, client, "echo")
	if aws.ToString(before.Configuration.RevisionId) != aws.ToString(after.Configuration.RevisionId) ||
		aws.ToString(before.Configuration.LastModified) != aws.ToString(after.Configuration.LastModified) {
		t.Errorf("the function changed: %+v, then %+v", before.Configuration, after.Configuration)
	}
	second.stop()
	w.leftNothing()
}

// A kill while functions run and while one is being created loses nothing that was
// answered, and leaves nothing.
func TestKillWhileBusy(t *testing.T) {
	t.Parallel()
	needs(t)
	w := watch(t)

	first := w.up()
	client := first.client()
	deploy(t, client, creation(t, "state", "app.py", "app.state"))
	busy := make(chan error, 1)
	go func() {
		_, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("state"), Payload: []byte(`{"sleep":8}`)})
		busy <- err
	}()
	if _, err := client.CreateFunction(t.Context(), creation(t, "late", "app.py", "app.echo")); err != nil {
		t.Fatal(err)
	}
	first.kill() // the answer to "late" is out: it must be there again
	if err := <-busy; err == nil {
		t.Error("an invocation was answered by a killed daemon")
	}

	second := w.up()
	client = second.client()
	waitActive(t, client, "late")
	answers(t, client, "late", `"hello"`, `"hello"`)
	answers(t, client, "state", `{}`, `{"number":0,"content":null}`)
	second.stop()
	w.leftNothing()
}

// Stopping leaves nothing either, with instances warm.
func TestStopLeavesNothing(t *testing.T) {
	needs(t)
	data := t.TempDir()
	check := watchHost(t, data, binaries)
	d := up(t, data)
	client := d.client()
	for _, name := range []string{"one", "two"} {
		deploy(t, client, creation(t, name, "app.py", "app.echo"))
		answers(t, client, name, `{}`, `{}`)
	}
	d.stop()
	check()
}
