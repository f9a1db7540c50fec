package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"lambent.dev/lambent/internal/move"
)

func importCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "import [NAME…]", Short: "Move functions here from AWS or another Lambent", Args: cobra.ArbitraryArgs,
		Long: `Fetches functions with code, settings, layers, published versions, aliases, tags, reserved concurrency,
resource policies, the settings of event invocations and of recursion, and makes them here under the same names and
numbers; without NAME all of them. Where they come from they are only read. A function that is here
already, or that cannot be moved whole (a container image, for instance), is said and left out.

From AWS the credentials of the environment are used: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
AWS_SESSION_TOKEN, which the AWS CLI prints with: aws configure export-credentials --format env`,
		Example: "  lambent import --from aws --from-region eu-central-1\n  lambent import checkout --from http://127.0.0.1:9800",
	}
	flags, output := newServerFlags(c), outputFlag(c)
	from := c.Flags().String("from", "", "`PLACE` that they come from: aws, or the URL of another server (required)")
	region := c.Flags().String("from-region", "", "`REGION` that they come from (default $AWS_REGION)")
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := flags.open()
		if err != nil {
			return err
		}
		source, err := s.origin(*from, cmp.Or(*region, os.Getenv("AWS_REGION")))
		if err != nil {
			return err
		}
		there := &server{endpoint: *from, namedBy: "--from", settings: s.settings}
		return s.take(c, *output, source, args, there.explain)
	}
	return c
}

// origin is the API that functions are fetched from.
func (s *server) origin(from, region string) (*move.API, error) {
	switch from {
	case "":
		return nil, &usageError{errors.New("lambent import needs --from: aws, or the URL of another server")}
	case "aws":
		return fromAWS(region)
	}
	if region == "" {
		region = s.settings.Region
	}
	if err := checkEndpoint("--from", from); err != nil {
		return nil, err
	}
	return &move.API{Client: newAPI(from, region, credentials(&s.settings)), HTTP: http.DefaultClient}, nil
}

func fromAWS(region string) (*move.API, error) {
	key := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	if region == "" {
		return nil, &usageError{errors.New("--from aws needs --from-region or AWS_REGION")}
	}
	if key.AccessKeyID == "" || key.SecretAccessKey == "" {
		return nil, errors.New("there are no AWS credentials in the environment: `aws configure export-credentials --format env` prints them")
	}
	client := awslambda.New(awslambda.Options{
		Region:      region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return key, nil }),
	})
	return &move.API{Client: client, HTTP: http.DefaultClient}, nil
}

// moved is what became of one function.
type moved struct {
	Name     string `json:"name"`
	Versions int    `json:"versions"` // published ones
	Aliases  int    `json:"aliases"`
	// Behind names what is attached to the function and was not carried.
	Behind []string `json:"behind,omitempty"`
	// Notes say what is not as it was.
	Notes []string `json:"notes,omitempty"`
	Error string   `json:"error,omitempty"`
}

// take makes functions of a source here, and fails if one of them was left out. explain
// words the source's errors.
func (s *server) take(c *cobra.Command, f format, from move.Source, names []string, explain func(error) error) error {
	err := during(c.ErrOrStderr(), "listing functions", func() (err error) {
		names, err = chosen(c.Context(), from, names)
		return err
	})
	if err != nil {
		return explain(err)
	}
	target, all, failed := &move.Target{Client: s.api, Settled: s.settled}, []moved{}, error(nil)
	for _, name := range names {
		var m moved
		err := during(c.ErrOrStderr(), "moving "+name, func() (err error) {
			m, err = s.takeOne(c.Context(), target, from, name, explain)
			return err
		})
		if err != nil {
			m.Error, failed = err.Error(), errReported
		}
		all = append(all, m)
	}
	return errors.Join(show(c.OutOrStdout(), f, all, func(w io.Writer) error { return printMoved(w, all) }), failed)
}

// chosen is the names that were given, or all that the source has.
func chosen(ctx context.Context, from move.Source, names []string) ([]string, error) {
	if len(names) > 0 {
		return names, nil
	}
	return from.Names(ctx)
}

func (s *server) takeOne(ctx context.Context, to *move.Target, from move.Source, name string, explain func(error) error) (moved, error) {
	m := moved{Name: name}
	f, err := from.Function(ctx, name)
	if err != nil {
		return m, explain(err)
	}
	m.Versions, m.Aliases, m.Behind = len(f.Versions)-1, len(f.Aliases), f.Behind
	m.Notes, err = to.Put(ctx, from, f)
	return m, s.explain(err)
}

func printMoved(w io.Writer, all []moved) error {
	t := &table{headings: []string{"NAME", "VERSIONS", "ALIASES", "RESULT"}}
	for _, m := range all {
		result := "moved"
		if m.Error != "" {
			result = "left out"
		}
		t.add(m.Name, strconv.Itoa(m.Versions), strconv.Itoa(m.Aliases), result)
	}
	if err := t.write(w); err != nil {
		return err
	}
	for _, m := range all {
		if err := m.remark(w); err != nil {
			return err
		}
	}
	return nil
}

// remark says why a function was left out, or what of it is not as it was.
func (m *moved) remark(w io.Writer) error {
	remarks := m.Notes
	if len(m.Behind) > 0 {
		remarks = append(remarks, "not moved with it: "+strings.Join(m.Behind, ", "))
	}
	if m.Error != "" {
		remarks = []string{m.Error}
	}
	for _, text := range remarks {
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		if err := paragraph(w, "", m.Name+": "+text); err != nil {
			return err
		}
	}
	return nil
}
