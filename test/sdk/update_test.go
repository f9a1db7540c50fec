package sdk

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// numbered is code that answers with its number, and how it was called.
func numbered(t *testing.T, number int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("number.py")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintf(f, "def handler(event, context):\n    return {'number': %d, 'arn': context.invoked_function_arn, 'version': context.function_version}\n", number)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// number is the answer of numbered code.
type number struct {
	Number  int    `json:"number"`
	ARN     string `json:"arn"`
	Version string `json:"version"`
}

func deployNumber(t *testing.T, client *lambda.Client, name string) {
	t.Helper()
	in := creation(t, name, "app.py", "number.handler")
	in.Code.ZipFile = numbered(t, 0)
	deploy(t, client, in)
}

func askNumber(t *testing.T, client *lambda.Client, name, qualifier string) (number, *lambda.InvokeOutput) {
	t.Helper()
	out := invoke(t, client, name, `{}`, func(in *lambda.InvokeInput) {
		if qualifier != "" {
			in.Qualifier = aws.String(qualifier)
		}
	})
	var n number
	if err := json.Unmarshal(out.Payload, &n); err != nil || out.FunctionError != nil {
		t.Fatalf("%s: %s, %v", name, out.Payload, err)
	}
	return n, out
}

// waitUpdated waits with the SDK's own waiter.
func waitUpdated(t *testing.T, client *lambda.Client, name string) {
	t.Helper()
	waiter := lambda.NewFunctionUpdatedV2Waiter(client, func(o *lambda.FunctionUpdatedV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 50*time.Millisecond
	})
	if err := waiter.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String(name)}, 20*time.Second); err != nil {
		t.Fatalf("waiting for the update of %s: %v", name, err)
	}
}

func TestEveryWaiterEnds(t *testing.T) {
	needs(t)
	client := up(t, t.TempDir()).client()
	ctx, limit := t.Context(), 20*time.Second
	name := aws.String("waited")
	exists := make(chan error, 1)
	go func() {
		w := lambda.NewFunctionExistsWaiter(client, func(o *lambda.FunctionExistsWaiterOptions) {
			o.MinDelay, o.MaxDelay = 10*time.Millisecond, 50*time.Millisecond
		})
		exists <- w.Wait(ctx, &lambda.GetFunctionInput{FunctionName: name}, limit)
	}()
	deployNumber(t, client, *name) // FunctionActiveV2
	if err := <-exists; err != nil {
		t.Errorf("FunctionExists: %v", err)
	}
	waitActive(t, client, *name)
	change := func() {
		t.Helper()
		if _, err := client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: name, Timeout: aws.Int32(11)}); err != nil {
			t.Fatal(err)
		}
	}
	change()
	waitUpdated(t, client, *name)
	change()
	updated := lambda.NewFunctionUpdatedWaiter(client, func(o *lambda.FunctionUpdatedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 50*time.Millisecond
	})
	if err := updated.Wait(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name}, limit); err != nil {
		t.Errorf("FunctionUpdated: %v", err)
	}
	out, err := client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: numbered(t, 1), Publish: true})
	if err != nil || aws.ToString(out.Version) != "1" || out.State != types.StatePending {
		t.Fatalf("%+v, %v", out, err)
	}
	published := lambda.NewPublishedVersionActiveWaiter(client, func(o *lambda.PublishedVersionActiveWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 50*time.Millisecond
	})
	if err := published.Wait(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name, Qualifier: out.Version}, limit); err != nil {
		t.Errorf("PublishedVersionActive: %v", err)
	}
	if n, _ := askNumber(t, client, *name, "1"); n.Number != 1 || n.Version != "1" {
		t.Errorf("version 1 answers %+v", n)
	}
}

// An alias that is moved, as recorded from the service (alias_moving), and one that
// splits its invocations.
func TestAliasMoves(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	ctx, name := t.Context(), aws.String("moved")
	deployNumber(t, client, *name)
	publish := func() string {
		t.Helper()
		out, err := client.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: name})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.Version)
	}
	first := publish()
	alias, err := client.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String(first)})
	if err != nil {
		t.Fatal(err)
	}
	wantLive := func(step string, want int, version string) {
		t.Helper()
		for _, call := range [][2]string{{*name, "live"}, {*name + ":live", ""}, {aws.ToString(alias.AliasArn), ""}} {
			n, out := askNumber(t, client, call[0], call[1])
			if n.Number != want || n.Version != version || n.ARN != aws.ToString(alias.AliasArn) || aws.ToString(out.ExecutedVersion) != version {
				t.Errorf("%s: %v ran %+v, executed %s", step, call, n, aws.ToString(out.ExecutedVersion))
			}
		}
	}
	wantLive("created", 0, "1")
	if _, err := client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: numbered(t, 1)}); err != nil {
		t.Fatal(err)
	}
	waitUpdated(t, client, *name)
	wantLive("updated", 0, "1")
	second := publish()
	wantLive("published", 0, "1")
	weights := &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{second: 0.5}}
	if _, err := client.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: name, Name: alias.Name, RoutingConfig: weights}); err != nil {
		t.Fatal(err)
	}
	split := map[string]int{}
	for range 100 {
		n, out := askNumber(t, client, *name, "live")
		if n.Version != aws.ToString(out.ExecutedVersion) || strconv.Itoa(n.Number+1) != n.Version {
			t.Errorf("%+v, executed %s", n, aws.ToString(out.ExecutedVersion))
		}
		split[n.Version]++
	}
	if split["1"] < 10 || split["2"] < 10 { // off once in 10^16 runs
		t.Errorf("split %v", split)
	}
	if _, err := client.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: name, Name: alias.Name, FunctionVersion: aws.String(second), RoutingConfig: &types.AliasRoutingConfiguration{}}); err != nil {
		t.Fatal(err)
	}
	wantLive("moved", 1, "2")
}

const (
	loadUpdates = 15  // how often TestUpdateUnderLoad updates; SOAK_UPDATES sets it
	loadInvokes = 200 // for every update
	loadClients = 4
)

// load is a function that is invoked all the time while it is updated.
type load struct {
	t       *testing.T
	client  *lambda.Client
	updates int64        // to come
	begun   atomic.Int64 // the highest number whose update was sent
	settled atomic.Int64 // the highest number whose update was seen to be Successful
	invokes atomic.Int64
	seen    sync.Map // numbers that an answer showed
}

// Updates under load: no invocation fails, and none that begins after an update was seen to
// be Successful meets the old code. That none meets the new code before is looked at, too, as
// far as a client can see it; package lambdaapi holds it with an update that is kept open.
func TestUpdateUnderLoad(t *testing.T) {
	needs(t)
	client := up(t, t.TempDir()).client()
	deployNumber(t, client, "load")
	l := &load{t: t, client: client, updates: int64(rounds("SOAK_UPDATES", loadUpdates))}
	began := time.Now()
	var invokers sync.WaitGroup
	defer invokers.Wait() // also when the test ends early
	for range loadClients {
		invokers.Go(l.invokeAll)
	}
	for number := int64(1); number <= l.updates && !t.Failed(); number++ {
		l.update(number)
	}
	invokers.Wait()
	t.Logf("%d invocations during %d updates in %v", l.invokes.Load(), l.updates, time.Since(began).Round(time.Millisecond))
}

// invokeAll invokes until there were enough of both.
func (l *load) invokeAll() {
	for !l.t.Failed() && (l.settled.Load() < l.updates || l.invokes.Load() < l.updates*loadInvokes) {
		if err := l.invokeOnce(); err != nil {
			l.t.Error(err) // ends the others, too
		}
	}
}

func (l *load) invokeOnce() error {
	least := l.settled.Load()
	out, err := l.client.Invoke(l.t.Context(), &lambda.InvokeInput{FunctionName: aws.String("load"), Payload: []byte("{}")})
	if err != nil || out.FunctionError != nil {
		return fmt.Errorf("invocation %d: %v, %+v", l.invokes.Load(), err, out)
	}
	var n number
	if err := json.Unmarshal(out.Payload, &n); err != nil {
		return err
	}
	l.invokes.Add(1)
	if got := int64(n.Number); got < least || got > l.begun.Load() {
		return fmt.Errorf("number %d answered an invocation that began when %d was settled; %d was begun", got, least, l.begun.Load())
	}
	return l.first(n.Number)
}

// first looks, at the first answer of a number, whether its update is over.
func (l *load) first(number int) error {
	if _, again := l.seen.LoadOrStore(number, true); again {
		return nil
	}
	c, err := l.client.GetFunctionConfiguration(l.t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("load")})
	if err != nil {
		return err
	}
	if described, _ := strconv.Atoi(aws.ToString(c.Description)); described == number && c.LastUpdateStatus != types.LastUpdateStatusSuccessful {
		return fmt.Errorf("number %d answered while its update is %s", number, c.LastUpdateStatus)
	}
	return nil
}

// update changes code and, ahead of it, the description, so that a reader can tell which
// update is in progress.
func (l *load) update(number int64) {
	l.t.Helper()
	for ; l.invokes.Load() < (number-1)*loadInvokes && !l.t.Failed(); time.Sleep(time.Millisecond) {
		continue
	}
	name := aws.String("load")
	if _, err := l.client.UpdateFunctionConfiguration(l.t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: name, Description: aws.String(strconv.FormatInt(number, 10))}); err != nil {
		l.t.Error(err)
		return
	}
	waitUpdated(l.t, l.client, *name)
	l.begun.Store(number)
	if _, err := l.client.UpdateFunctionCode(l.t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: numbered(l.t, int(number))}); err != nil {
		l.t.Error(err)
		return
	}
	waitUpdated(l.t, l.client, *name)
	l.settled.Store(number)
}

const (
	crowdFunctions = 250 // how many come and go in TestCrowd; SOAK_CROWD sets it
	crowdClients   = 16
)

// Hundreds of functions are created, updated, listed and deleted by many clients at once,
// which also name versions of one that they share: no update is lost, nothing fails.
func TestCrowd(t *testing.T) {
	needs(t)
	d := up(t, t.TempDir())
	deployNumber(t, d.client(), "shared")
	if _, err := d.client().PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String("shared")}); err != nil {
		t.Fatal(err)
	}
	in, functions := creation(t, "", "app.py", "app.echo"), rounds("SOAK_CROWD", crowdFunctions)
	began := time.Now()
	var clients sync.WaitGroup
	for client := range crowdClients {
		clients.Go(func() {
			c := crowd{t, d.client()}
			for i := client; i < functions && !t.Failed(); i += crowdClients {
				if err := c.live(*in, fmt.Sprintf("f-%04d", i)); err != nil {
					t.Errorf("function %d: %v", i, err)
				}
			}
		})
	}
	clients.Wait()
	t.Logf("%d lives by %d clients in %v", functions, crowdClients, time.Since(began).Round(time.Millisecond))
	left, err := d.client().ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
	if err != nil || len(left.Functions) != 1 {
		t.Errorf("%d functions are left, %v", len(left.Functions), err)
	}
	aliases := 0
	for p := lambda.NewListAliasesPaginator(d.client(), &lambda.ListAliasesInput{FunctionName: aws.String("shared")}); p.HasMorePages(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		aliases += len(page.Aliases)
	}
	if aliases != functions {
		t.Errorf("%d aliases, want %d: updates were lost", aliases, functions)
	}
}

// crowd is one client of many.
type crowd struct {
	t *testing.T
	*lambda.Client
}

// live is the whole life of one function.
func (c crowd) live(in lambda.CreateFunctionInput, name string) error {
	in.FunctionName = &name
	if _, err := c.CreateFunction(c.t.Context(), &in); err != nil {
		return err
	}
	if err := c.set(&lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Description: &name}); err != nil {
		return err
	}
	if err := c.set(&lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Timeout: aws.Int32(7)}); err != nil {
		return err
	}
	if _, err := c.CreateAlias(c.t.Context(), &lambda.CreateAliasInput{FunctionName: aws.String("shared"), Name: &name, FunctionVersion: aws.String("1")}); err != nil {
		return err
	}
	listed, err := c.ListFunctions(c.t.Context(), &lambda.ListFunctionsInput{MaxItems: aws.Int32(20)})
	if err != nil || len(listed.Functions) == 0 {
		return fmt.Errorf("listed %d: %w", len(listed.Functions), err)
	}
	got, err := c.GetFunctionConfiguration(c.t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		return err
	}
	if aws.ToString(got.Description) != name || aws.ToInt32(got.Timeout) != 7 {
		return fmt.Errorf("an update was lost: %q, %d", aws.ToString(got.Description), aws.ToInt32(got.Timeout))
	}
	_, err = c.DeleteFunction(c.t.Context(), &lambda.DeleteFunctionInput{FunctionName: &name})
	return err
}

// set makes an update, as soon as the one before is over.
func (c crowd) set(in *lambda.UpdateFunctionConfigurationInput) error {
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		_, err := c.UpdateFunctionConfiguration(c.t.Context(), in)
		var conflict *types.ResourceConflictException
		if err == nil || !errors.As(err, &conflict) || time.Now().After(end) {
			return err
		}
		var shown smithy.APIError
		if !errors.As(err, &shown) || shown.ErrorMessage() == "" {
			return fmt.Errorf("a conflict that says nothing: %w", err)
		}
	}
}
