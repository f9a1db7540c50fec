package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func listCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List the functions", Args: noArguments,
		Long: "Lists the functions of the server by name: what they run on, how they are isolated, and their state.\nThe isolation is the one in force.",
	}
	flags, output := newServerFlags(c), outputFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, err := flags.open()
		if err != nil {
			return err
		}
		var all []*function
		err = during(c.ErrOrStderr(), "asking about every function", func() (err error) {
			all, err = s.functions(c.Context())
			return err
		})
		if err != nil {
			return err
		}
		return show(c.OutOrStdout(), *output, all, func(w io.Writer) error { return printFunctions(w, c.ErrOrStderr(), all) })
	}
	return c
}

// describeAtOnce is how many functions are asked for at a time.
const describeAtOnce = 8

// functions describes all functions. One that is deleted meanwhile is left out.
func (s *server) functions(ctx context.Context) ([]*function, error) {
	names, err := s.names(ctx)
	if err != nil {
		return nil, err
	}
	described := make([]*function, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(describeAtOnce)
	for i, name := range names {
		group.Go(func() (err error) {
			described[i], err = s.describe(ctx, name)
			if errIsGone(err) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return present(described), nil
}

func present(all []*function) []*function {
	there := []*function{}
	for _, f := range all {
		if f != nil {
			there = append(there, f)
		}
	}
	return there
}

func (s *server) names(ctx context.Context) (names []string, err error) {
	pages := awslambda.NewListFunctionsPaginator(s.api, &awslambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, s.explain(err)
		}
		for _, f := range page.Functions {
			names = append(names, aws.ToString(f.FunctionName))
		}
	}
	return names, nil
}

func printFunctions(w, stderr io.Writer, all []*function) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(stderr, "lambent: there are no functions yet: `lambent deploy PATH` makes one, `lambent init` a folder to begin with")
		return err
	}
	t := &table{headings: []string{"NAME", "RUNTIME", "ISOLATION", "MEMORY", "TIMEOUT", "STATE", "MODIFIED"}}
	for _, f := range all {
		t.add(f.Name, f.Runtime, cmp.Or(f.Isolation, "-"), fmt.Sprintf("%d MB", f.Memory), fmt.Sprintf("%d s", f.Timeout), f.State, moment(f.Modified))
	}
	return t.write(w)
}

// moment shortens Lambda's times, "2026-11-22T21:13:20.000+0000", to minutes.
func moment(modified string) string {
	const minutes = len("2026-11-22T21:13")
	if len(modified) < minutes {
		return modified
	}
	return modified[:10] + " " + modified[11:minutes]
}
