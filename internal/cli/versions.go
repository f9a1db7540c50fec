package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/spf13/cobra"
)

// version is a version of a function as the commands print it.
type version struct {
	Version     string   `json:"version"`
	ARN         string   `json:"arn"`
	Runtime     string   `json:"runtime"`
	CodeSHA256  string   `json:"codeSha256"` // base64
	State       string   `json:"state"`
	Modified    string   `json:"modified"`
	Description string   `json:"description,omitempty"`
	Aliases     []string `json:"aliases"` // that lead to it, also for a part of the requests
}

func versionsCommand() *cobra.Command {
	return asks(&cobra.Command{
		Use: "versions NAME", Short: "List the published versions of a function",
		Long: "Lists $LATEST, which deployments change, and the published versions, which stay as they are, with the\naliases that lead to them.",
	}, (*server).versions, printVersions)
}

func (s *server) versions(ctx context.Context, name string) ([]version, error) {
	aliases, err := s.aliases(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []version
	pages := awslambda.NewListVersionsByFunctionPaginator(s.api, &awslambda.ListVersionsByFunctionInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, s.explain(err)
		}
		for i := range page.Versions {
			all = append(all, versionOf(&page.Versions[i], aliases))
		}
	}
	return all, nil
}

func versionOf(c *types.FunctionConfiguration, aliases []alias) version {
	v := version{
		Version: aws.ToString(c.Version), ARN: aws.ToString(c.FunctionArn), Runtime: string(c.Runtime),
		CodeSHA256: aws.ToString(c.CodeSha256), State: string(c.State), Modified: aws.ToString(c.LastModified),
		Description: aws.ToString(c.Description), Aliases: []string{},
	}
	for _, a := range aliases {
		if a.leadsTo(v.Version) {
			v.Aliases = append(v.Aliases, a.Name)
		}
	}
	return v
}

func printVersions(w io.Writer, all []version) error {
	t := &table{headings: []string{"VERSION", "RUNTIME", "CODE", "MODIFIED", "ALIASES", "DESCRIPTION"}}
	for _, v := range all {
		t.add(v.Version, v.Runtime, cut(v.CodeSHA256, 12), moment(v.Modified), cmp.Or(list(v.Aliases), "-"), v.Description)
	}
	return t.write(w)
}

func publishCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "publish NAME", Short: "Publish $LATEST as a version that stays as it is", Args: takes(1, 1),
		Long: "Publishes the function's code and settings as they are now as its next version. Where nothing has changed\nsince the last one, that one is the answer.",
	}
	flags, output := newServerFlags(c), outputFlag(c)
	description := c.Flags().String("description", "", "`TEXT` that says what this version is")
	completesNames(c, flags)
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := flags.open()
		if err != nil {
			return err
		}
		out, err := s.api.PublishVersion(c.Context(), &awslambda.PublishVersionInput{FunctionName: &args[0], Description: optional(*description)})
		if err != nil {
			return s.explain(err)
		}
		p := published{Name: args[0], Version: aws.ToString(out.Version), ARN: aws.ToString(out.FunctionArn)}
		return show(c.OutOrStdout(), *output, p, p.print)
	}
	return c
}

// published is the outcome of publishing.
type published struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	ARN     string `json:"arn"`
}

func (p published) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "published %s:%s\n\ninvoke it:  lambent invoke %s:%s '{}'\nname it:  lambent alias set %s live %s\n",
		p.Name, p.Version, p.Name, p.Version, p.Name, p.Version)
	return err
}
