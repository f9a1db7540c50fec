package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/spf13/cobra"
)

// provisioned is how many executions of a version or an alias are kept initialised.
type provisioned struct {
	Qualifier string `json:"qualifier"`
	Requested int32  `json:"requested"`
	Allocated int32  `json:"allocated"` // instances that are initialised
	Available int32  `json:"available"` // those of them that no request has
	Status    string `json:"status"`
	Reason    string `json:"reason,omitempty"`
}

func (p *provisioned) String() string {
	text := fmt.Sprintf("%s %d of %d %s", p.Qualifier, p.Allocated, p.Requested, strings.ToLower(strings.ReplaceAll(p.Status, "_", " ")))
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	return text
}

func provisionCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "provision NAME:QUALIFIER N", Short: "Keep N instances of a version or alias initialised", Args: takes(2, 2),
		Long: "Initialises instances ahead of requests, which then find no cold start, and waits until all are ready. Their\n" +
			"memory is set aside for them. What they cannot take starts on demand. 0 gives them up. `lambent show NAME`\nsays what there is.",
		Example: "  lambent provision hello:live 2\n  lambent provision hello:live 0",
	}
	flags, output := newServerFlags(c), outputFlag(c)
	completesNames(c, flags)
	c.RunE = func(c *cobra.Command, args []string) error {
		name, qualifier, n, err := parseProvision(args)
		if err != nil {
			return err
		}
		s, err := flags.open()
		if err != nil {
			return err
		}
		var p *provisioned
		err = during(c.ErrOrStderr(), "initialising "+args[0], func() (err error) {
			p, err = s.provision(c.Context(), name, qualifier, n)
			return err
		})
		if err != nil {
			return err
		}
		return show(c.OutOrStdout(), *output, p, func(w io.Writer) error { return printProvisioned(w, args[0], p) })
	}
	return c
}

// parseProvision splits at the last colon: NAME may be an ARN.
func parseProvision(args []string) (name, qualifier string, n int32, err error) {
	at := strings.LastIndexByte(args[0], ':')
	if at < 1 || at == len(args[0])-1 {
		return "", "", 0, &usageError{fmt.Errorf("%q names no version: write NAME:VERSION or NAME:ALIAS; $LATEST cannot be provisioned", args[0])}
	}
	count, err := strconv.ParseInt(args[1], 10, 32)
	if err != nil || count < 0 {
		return "", "", 0, &usageError{fmt.Errorf("%q is no number of instances: use 0 or more", args[1])}
	}
	return args[0][:at], args[0][at+1:], int32(count), nil
}

func printProvisioned(w io.Writer, name string, p *provisioned) error {
	if p.Requested == 0 {
		_, err := fmt.Fprintf(w, "nothing of %s is initialised ahead of requests any more\n", name)
		return err
	}
	_, err := fmt.Fprintf(w, "%d of %s are initialised ahead of requests\n", p.Allocated, name)
	return err
}

// provision sets the number and waits until it is met.
func (s *server) provision(ctx context.Context, name, qualifier string, n int32) (*provisioned, error) {
	if n == 0 {
		_, err := s.api.DeleteProvisionedConcurrencyConfig(ctx, &awslambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &qualifier})
		if err != nil {
			return nil, s.explain(err)
		}
		return &provisioned{Qualifier: qualifier}, nil
	}
	_, err := s.api.PutProvisionedConcurrencyConfig(ctx,
		&awslambda.PutProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &qualifier, ProvisionedConcurrentExecutions: &n})
	if err != nil {
		return nil, s.explain(err)
	}
	return s.awaitProvisioned(ctx, name, qualifier)
}

// lookAgain is how often a state that is waited for is asked for.
const lookAgain = 100 * time.Millisecond

func (s *server) awaitProvisioned(ctx context.Context, name, qualifier string) (*provisioned, error) {
	in := &awslambda.GetProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &qualifier}
	for {
		out, err := s.api.GetProvisionedConcurrencyConfig(ctx, in)
		if err != nil {
			return nil, s.explain(err)
		}
		switch out.Status {
		case types.ProvisionedConcurrencyStatusEnumReady:
			return &provisioned{
				qualifier, aws.ToInt32(out.RequestedProvisionedConcurrentExecutions), aws.ToInt32(out.AllocatedProvisionedConcurrentExecutions),
				aws.ToInt32(out.AvailableProvisionedConcurrentExecutions), string(out.Status), aws.ToString(out.StatusReason),
			}, nil
		case types.ProvisionedConcurrencyStatusEnumFailed:
			return nil, errors.New(failedProvision(aws.ToString(out.StatusReason), name))
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(lookAgain):
		}
	}
}

// failedProvision says what a reason of the API's means for a person.
func failedProvision(reason, name string) string {
	if reason == "FUNCTION_ERROR_INIT_FAILURE" {
		return fmt.Sprintf("the function's initialisation failed; Lambent goes on trying. Its log says why: lambent logs %s", name)
	}
	return "not all could be initialised; Lambent goes on trying. " + reason
}

// showFunction is describe with what is provisioned: of the function, or of the version
// or alias that the name has.
func (s *server) showFunction(ctx context.Context, name string) (*function, error) {
	f, err := s.describe(ctx, name)
	if err != nil {
		return nil, err
	}
	all, err := s.provisions(ctx, f.Name)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if !strings.Contains(name, ":") || strings.HasSuffix(name, ":"+p.Qualifier) || strings.HasSuffix(name, ":function:"+f.Name) {
			f.Provisioned = append(f.Provisioned, p)
		}
	}
	return f, nil
}

func (s *server) provisions(ctx context.Context, name string) ([]provisioned, error) {
	var all []provisioned
	pages := awslambda.NewListProvisionedConcurrencyConfigsPaginator(s.api, &awslambda.ListProvisionedConcurrencyConfigsInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, s.explain(err)
		}
		for i := range page.ProvisionedConcurrencyConfigs {
			all = append(all, provisionedOf(&page.ProvisionedConcurrencyConfigs[i]))
		}
	}
	return all, nil
}

func provisionedOf(c *types.ProvisionedConcurrencyConfigListItem) provisioned {
	arn := aws.ToString(c.FunctionArn)
	return provisioned{
		arn[strings.LastIndexByte(arn, ':')+1:], aws.ToInt32(c.RequestedProvisionedConcurrentExecutions), aws.ToInt32(c.AllocatedProvisionedConcurrentExecutions),
		aws.ToInt32(c.AvailableProvisionedConcurrentExecutions), string(c.Status), aws.ToString(c.StatusReason),
	}
}

// provisionedText names all configurations in a line.
func (f *function) provisionedText() string {
	var all []string
	for i := range f.Provisioned {
		all = append(all, f.Provisioned[i].String())
	}
	return strings.Join(all, "; ")
}
