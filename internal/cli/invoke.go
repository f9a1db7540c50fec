package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/spf13/cobra"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

func invokeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "invoke NAME [PAYLOAD | @FILE | -]", Short: "Send a request to a function and print its answer", Args: takes(1, 2),
		Long: `Sends the event to the function and prints what it answers. NAME may carry a version or alias:
NAME:live. The event is JSON: an argument, a file, or standard input; without one it is {}.

There is no --tail of a function whose instances take several requests at once: their lines are mixed.

If the function fails, its answer is printed all the same, the message goes to standard error, and the
exit code is 1.`,
		Example: "  lambent invoke hello '{\"name\":\"you\"}'\n  lambent invoke hello @event.json --tail\n  lambent invoke hello --receipt",
	}
	f := &invokeFlags{server: newServerFlags(c), output: outputFlag(c)}
	c.Flags().BoolVar(&f.event, "event", false, "queue the event and do not wait for an answer")
	c.Flags().BoolVar(&f.tail, "tail", false, "print the end of the request's log (4 KB at most) on standard error")
	c.Flags().BoolVar(&f.receipt, "receipt", false, "print where the time went on standard error")
	c.Flags().StringVar(&f.tenant, "tenant-id", "", "`ID` of whom the request is for, where the function has tenant isolation")
	completesNames(c, f.server)
	c.RunE = func(c *cobra.Command, args []string) error { return f.run(c, args) }
	return c
}

type invokeFlags struct {
	server               *serverFlags
	output               *format
	event, tail, receipt bool
	tenant               string
}

func (f *invokeFlags) run(c *cobra.Command, args []string) error {
	payload, err := readPayload(c.InOrStdin(), args[1:])
	if err != nil {
		return err
	}
	s, err := f.server.open()
	if err != nil {
		return err
	}
	var a *answer
	err = during(c.ErrOrStderr(), "waiting for "+args[0], func() (err error) {
		a, err = s.invoke(c.Context(), f.request(args[0], payload))
		return err
	})
	if err != nil {
		return err
	}
	if a.Receipt != nil {
		a.Receipt.Tenant = f.tenant
	}
	if err := show(c.OutOrStdout(), *f.output, a, a.print); err != nil {
		return err
	}
	return f.aside(c.ErrOrStderr(), a)
}

func (f *invokeFlags) request(name string, payload []byte) *awslambda.InvokeInput {
	in := &awslambda.InvokeInput{FunctionName: &name, Payload: payload}
	if f.tail {
		in.LogType = types.LogTypeTail
	}
	if f.tenant != "" {
		in.TenantId = &f.tenant
	}
	if f.event {
		in.InvocationType = types.InvocationTypeEvent
	}
	return in
}

// readPayload reads the event from where the argument says, and checks that it is JSON:
// a shell's quoting is the usual mistake.
func readPayload(stdin io.Reader, args []string) ([]byte, error) {
	text, err := payloadText(stdin, args)
	if err != nil {
		return nil, err
	}
	if len(text) > lambda.MaxPayload {
		return nil, &usageError{fmt.Errorf("the event is longer than %d bytes", lambda.MaxPayload)}
	}
	if len(bytes.TrimSpace(text)) > 0 && !json.Valid(text) {
		return nil, &usageError{fmt.Errorf("the event is not JSON: %s\nQuote it for the shell, '{\"name\":\"you\"}', or put it into a file and say @FILE", cut(printable(text), maxWidth/2))}
	}
	return text, nil
}

func payloadText(stdin io.Reader, args []string) ([]byte, error) {
	switch {
	case len(args) == 0:
		return []byte("{}"), nil
	case args[0] == "-":
		return io.ReadAll(io.LimitReader(stdin, lambda.MaxPayload+1))
	case strings.HasPrefix(args[0], "@"):
		text, err := os.ReadFile(args[0][1:])
		if err != nil {
			return nil, fmt.Errorf("reading the event: %w", err)
		}
		return text, nil
	default:
		return []byte(args[0]), nil
	}
}

// answer is what came back of a request.
type answer struct {
	Status  int32            `json:"statusCode"`
	Version string           `json:"executedVersion,omitempty"`
	Failed  string           `json:"functionError,omitempty"` // "Unhandled" for instance
	Payload json.RawMessage  `json:"payload,omitempty"`       // a string if the function did not answer with JSON
	Log     string           `json:"log,omitempty"`           // with --tail
	Receipt *receipt.Receipt `json:"receipt,omitempty"`
	text    []byte           // the payload as it came
}

func (s *server) invoke(ctx context.Context, in *awslambda.InvokeInput) (*answer, error) {
	began := time.Now()
	out, err := s.api.Invoke(ctx, in)
	if err != nil {
		return nil, s.explain(err)
	}
	log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		return nil, fmt.Errorf("reading the log of the answer: %w", err)
	}
	a := &answer{
		Status: out.StatusCode, Version: aws.ToString(out.ExecutedVersion), Failed: aws.ToString(out.FunctionError),
		Payload: asJSON(out.Payload), Log: string(log), text: out.Payload,
	}
	if raw, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response); ok {
		a.Receipt, err = readReceipt(raw.Header, began)
	}
	return a, err
}

// asJSON is the payload if it is JSON, else the payload as a string.
func asJSON(payload []byte) json.RawMessage {
	if len(payload) == 0 || json.Valid(payload) {
		return payload
	}
	quoted, err := json.Marshal(string(payload))
	if err != nil {
		return nil
	}
	return quoted
}

// print writes the payload alone, as the function answered it.
func (a *answer) print(w io.Writer) error {
	if len(a.text) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "%s\n", bytes.TrimSuffix(a.text, []byte("\n")))
	return err
}

// aside writes what is not the answer, and makes the exit code follow the function's fate.
func (f *invokeFlags) aside(w io.Writer, a *answer) error {
	if f.tail && *f.output == "text" {
		for l := range strings.Lines(a.Log) {
			fmt.Fprintln(w, printable([]byte(strings.TrimSuffix(l, "\n"))))
		}
	}
	if f.receipt && *f.output == "text" && a.Receipt != nil {
		if err := printReceipt(w, a.Receipt); err != nil {
			return err
		}
	}
	if f.event && *f.output == "text" {
		fmt.Fprintln(w, "lambent: accepted; the function will run on its own, `lambent logs` shows it")
	}
	if a.Failed != "" {
		return a.failure()
	}
	return nil
}

// failure says what the function said was wrong.
func (a *answer) failure() error {
	var e struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(a.Payload, &e); err != nil || e.ErrorMessage == "" {
		return errors.New("the function failed: --tail shows the end of its log")
	}
	next := cmp.Or(remedies[e.ErrorType], "--tail shows the end of its log")
	if e.ErrorType != "" {
		e.ErrorType += ": "
	}
	return fmt.Errorf("the function failed: %s%s\n%s", printable([]byte(e.ErrorType)), printable([]byte(e.ErrorMessage)), next)
}

// remedies are what to do about errors that a runtime or the server reports, by their type.
var remedies = map[string]string{
	"Runtime.HandlerNotFound":   "`lambent deploy PATH --handler FILE.FUNCTION` names another",
	"Runtime.ImportModuleError": "`lambent deploy PATH --install` brings what requirements.txt or package.json names",
	"Runtime.OutOfMemory":       "`lambent deploy PATH --memory MB` gives it more",
	"Sandbox.Timedout":          "`lambent deploy PATH --timeout SECONDS` gives it longer; --tail shows the end of its log",
}
