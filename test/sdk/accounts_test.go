package sdk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
)

// twoAccounts is a configuration of two accounts on one server.
const twoAccounts = `account = "111111111111"
[accounts.111111111111]
keys = { AKIDOFTHEFIRST000000 = "env:SECRET_OF_FIRST" }
concurrency = 7
code-storage = 1
[accounts.222222222222]
keys = { AKIDOFTHESECOND00000 = "env:SECRET_OF_SECOND" }
`

const firstSecret, secondSecret = "the secret of the first", "the secret of the second"

// upWithAccounts starts a daemon with twoAccounts, and returns the environment of its commands.
func upWithAccounts(t *testing.T) (d *daemon, environ []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lambent.toml")
	if err := os.WriteFile(file, []byte(twoAccounts), 0o600); err != nil {
		t.Fatal(err)
	}
	environ = []string{"LAMBENT_CONFIG=" + file, "SECRET_OF_FIRST=" + firstSecret, "SECRET_OF_SECOND=" + secondSecret}
	return upWith(t, t.TempDir(), environ...), append(os.Environ(), environ...)
}

// clientOf signs with a key.
func (d *daemon) clientOf(key, secret string) *lambda.Client {
	o := d.Options()
	o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, nil
	})
	return lambda.New(o)
}

func refusedAs(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("%v, want %s", err, code)
	}
}

// Two accounts on one server have a function of the same name, each its own; neither reaches
// the other's, by the SDK's own signatures, nor does anybody without a right one.
func TestAccountsShareNothing(t *testing.T) {
	t.Parallel()
	d, environ := upWithAccounts(t)
	first, second := d.clientOf("AKIDOFTHEFIRST000000", firstSecret), d.clientOf("AKIDOFTHESECOND00000", secondSecret)
	for client, whose := range map[*lambda.Client]string{first: "first", second: "second"} {
		in := creation(t, "same", "app.py", "app.echo")
		in.Description = &whose
		deploy(t, client, in)
	}
	only := deploy(t, second, creation(t, "only", "app.py", "app.echo"))
	if !strings.Contains(*only.FunctionArn, ":222222222222:") {
		t.Errorf("%s is of another account", *only.FunctionArn)
	}
	for client, whose := range map[*lambda.Client]string{first: "first", second: "second"} {
		invoke(t, client, "same", `{}`) // neither takes the other's instance: TestAccountsMeetNoTrace
		out, err := client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("same")})
		if err != nil || *out.Configuration.Description != whose {
			t.Errorf("%s: %v %v", whose, out, err)
		}
		link, err := http.Get(*out.Code.Location)
		if err != nil || link.StatusCode != http.StatusOK {
			t.Errorf("the link of %s: %v %v", whose, link, err)
		} else {
			link.Body.Close()
		}
	}
	_, err := first.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("only")})
	refusedAs(t, err, "ResourceNotFoundException")
	_, err = first.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: only.FunctionArn})
	refusedAs(t, err, "AccessDeniedException")
	_, err = first.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("222222222222:function:only")})
	refusedAs(t, err, "AccessDeniedException")
	_, err = d.clientOf("AKIDOFTHEFIRST000000", secondSecret).ListFunctions(t.Context(), nil)
	refusedAs(t, err, "InvalidSignatureException")
	_, err = d.client().ListFunctions(t.Context(), nil)
	refusedAs(t, err, "UnrecognizedClientException")
	callsStayWithin(t, first, *only.FunctionArn)
	settings, err := first.GetAccountSettings(t.Context(), nil)
	if err != nil || settings.AccountLimit.ConcurrentExecutions != 7 || settings.AccountLimit.TotalCodeSize != 1<<20 || settings.AccountUsage.FunctionCount != 2 {
		t.Errorf("%+v %v", settings, err)
	}
	large := creation(t, "large", "app.py", "app.echo")
	large.Code.ZipFile = withPadding(t, 1<<20)
	_, err = first.CreateFunction(t.Context(), large)
	refusedAs(t, err, "CodeStorageExceededException")
	deploy(t, second, large) // has the server's limit
	d.commandsActFor(t, environ, "111111111111", "same")
	d.commandsActFor(t, append(environ, "LAMBENT_ACCOUNT=222222222222"), "222222222222", "only")
}

// callsStayWithin holds that a function calls another of its account from its sandbox, and none of another
// account: not by a name that only that has, nor by the ARN.
func callsStayWithin(t *testing.T, client *lambda.Client, foreign string) {
	t.Helper()
	deploy(t, client, creation(t, "caller", "home.py", "home.call"))
	for name, refusal := range map[string]string{"same": "", "only": "HTTP Error 404", foreign: "HTTP Error 403"} {
		out := invoke(t, client, "caller", fmt.Sprintf(`{"name":%q}`, name))
		if (out.FunctionError != nil) != (refusal != "") || !strings.Contains(string(out.Payload), refusal) {
			t.Errorf("calling %s: %s, want %q", name, out.Payload, refusal)
		}
	}
}

// commandsActFor holds that the command line signs for an account, and reads logs of its functions.
func (d *daemon) commandsActFor(t *testing.T, environ []string, account, function string) {
	t.Helper()
	for args, want := range map[string]string{
		"list --output json --endpoint http://" + d.Listen:                          function,
		"invoke " + function + " --endpoint http://" + d.Listen:                     "",
		"logs " + function + " --data " + d.Data + " --endpoint http://" + d.Listen: "",
		"env --endpoint http://" + d.Listen:                                         "AKIDOFTHE",
	} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, "lambent"), strings.Fields(args)...)
		cmd.Env = environ
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("lambent %s for %s: %v\n%s", args, account, err, out)
		}
	}
}

// The function of one account leaves nothing that the function of the same name and code of
// another account meets.
func TestAccountsMeetNoTrace(t *testing.T) {
	t.Parallel()
	d, _ := upWithAccounts(t)
	first, second := d.clientOf("AKIDOFTHEFIRST000000", firstSecret), d.clientOf("AKIDOFTHESECOND00000", secondSecret)
	for _, client := range []*lambda.Client{first, second} {
		deploy(t, client, perTenant(creation(t, "same", "tenant.py", "tenant.handler")))
	}
	mine := traced(t, first, "same", "blue")
	theirs := traced(t, second, "same", "blue")
	if len(mine.Seen) != 1 || len(theirs.Seen) != 1 || len(theirs.Files) != len(mine.Files) {
		t.Errorf("the second account meets what the first has left: %+v, then %+v", mine, theirs)
	}
	if again := traced(t, first, "same", "blue"); len(again.Seen) != 2 {
		t.Errorf("the own trace is gone: %+v", again)
	}
}
