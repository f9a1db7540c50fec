package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"lambent.dev/lambent/internal/lambda"
)

// function is a function, or a version of it, as the commands print it.
type function struct {
	Name        string            `json:"name"`
	ARN         string            `json:"arn"`
	Version     string            `json:"version"`
	Description string            `json:"description,omitempty"`
	Runtime     string            `json:"runtime"`
	Handler     string            `json:"handler"`
	Isolation   string            `json:"isolation,omitempty"` // in force
	Emulated    bool              `json:"emulated,omitempty"`  // software stands in for the processor on this host
	Network     string            `json:"network,omitempty"`   // profile in force; "" = a server that does not say
	Memory      int32             `json:"memory"`              // MB
	Timeout     int32             `json:"timeout"`             // seconds
	State       string            `json:"state"`
	Reason      string            `json:"reason,omitempty"` // why it is in this state
	CodeSize    int64             `json:"codeSize"`         // bytes
	CodeSHA256  string            `json:"codeSha256"`       // base64
	Modified    string            `json:"modified"`
	Environment map[string]string `json:"environment,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Provisioned []provisioned     `json:"provisioned,omitempty"`
}

// describe asks for one function, or version of it.
func (s *server) describe(ctx context.Context, name string) (*function, error) {
	out, err := s.api.GetFunction(ctx, &awslambda.GetFunctionInput{FunctionName: &name})
	if err != nil {
		return nil, s.explain(err)
	}
	c := out.Configuration
	f := &function{
		Name: aws.ToString(c.FunctionName), ARN: aws.ToString(c.FunctionArn), Version: aws.ToString(c.Version),
		Description: aws.ToString(c.Description), Runtime: string(c.Runtime), Handler: aws.ToString(c.Handler),
		Memory: aws.ToInt32(c.MemorySize), Timeout: aws.ToInt32(c.Timeout),
		State: string(c.State), Reason: cmp.Or(aws.ToString(c.StateReason), aws.ToString(c.LastUpdateStatusReason)),
		CodeSize: c.CodeSize, CodeSHA256: aws.ToString(c.CodeSha256), Modified: aws.ToString(c.LastModified),
		Environment: variablesOf(c), Tags: out.Tags,
	}
	f.Isolation = cmp.Or(f.Tags[lambda.InForceTag], f.Tags[lambda.IsolationTag])
	delete(f.Tags, lambda.InForceTag) // it is not one of the function's own
	f.Network = out.Tags[lambda.NetworkTag]
	if raw, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response); ok {
		f.Network = cmp.Or(raw.Header.Get("X-Lambent-Network"), f.Network) // what is in force
		f.Emulated = raw.Header.Get("X-Lambent-Emulated") == "true"
	}
	return f, nil
}

func (f *function) print(w io.Writer) error {
	return pairs(w,
		[2]string{"name", f.Name},
		[2]string{"arn", f.ARN},
		[2]string{"version", f.Version},
		[2]string{"for", f.Description},
		[2]string{"runtime", f.Runtime},
		[2]string{"handler", f.Handler},
		[2]string{"isolation", f.isolation()},
		[2]string{"network", f.Network},
		[2]string{"memory", fmt.Sprintf("%d MB", f.Memory)},
		[2]string{"timeout", fmt.Sprintf("%d s", f.Timeout)},
		[2]string{"state", f.state()},
		[2]string{"code", fmt.Sprintf("%s, sha256 %s", size(f.CodeSize), f.CodeSHA256)},
		[2]string{"modified", f.Modified},
		[2]string{"variables", strings.Join(slices.Sorted(maps.Keys(f.Environment)), " ")},
		[2]string{"tags", f.tags()},
		[2]string{"provisioned", f.provisionedText()},
	)
}

func (f *function) isolation() string {
	return isolationText(cmp.Or(f.Isolation, "the server's default"), f.Emulated)
}

func (f *function) state() string {
	if f.Reason == "" || f.State == "Active" {
		return f.State
	}
	return f.State + ": " + f.Reason
}

func (f *function) tags() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(f.Tags)) {
		all = append(all, name+"="+f.Tags[name])
	}
	return strings.Join(all, " ")
}

// size is a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes < 1000:
		return strconv.FormatInt(bytes, 10) + " B"
	case bytes < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	default:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
}

// deployed is what `lambent deploy` has made of a function.
type deployed struct {
	function
	Action string `json:"action"` // created, updated or unchanged
}

func (d *deployed) print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s %s\n\n", d.Action, d.Name); err != nil {
		return err
	}
	err := pairs(w,
		[2]string{"  runtime", d.Runtime}, [2]string{"  handler", d.Handler}, [2]string{"  isolation", d.isolation()},
		[2]string{"  memory", fmt.Sprintf("%d MB", d.Memory)}, [2]string{"  timeout", fmt.Sprintf("%d s", d.Timeout)},
		[2]string{"  code", size(d.CodeSize)},
	)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\ninvoke it:  lambent invoke %s '{}'\nits log:    lambent logs %s\n", d.Name, d.Name)
	return err
}
