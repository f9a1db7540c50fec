package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/spf13/cobra"
)

// alias is a name for a version, or for two with weights.
type alias struct {
	Name        string             `json:"name"`
	ARN         string             `json:"arn"`
	Version     string             `json:"version"`
	Also        map[string]float64 `json:"also,omitempty"` // share of the requests by version
	Description string             `json:"description,omitempty"`
}

func (a *alias) leadsTo(version string) bool {
	_, also := a.Also[version]
	return also || a.Version == version
}

// versions is where the alias leads, "1 90%, 2 10%" for instance.
func (a *alias) versions() string {
	rest, text := 1.0, ""
	for _, v := range slices.Sorted(maps.Keys(a.Also)) {
		rest -= a.Also[v]
		text += ", " + v + " " + percent(a.Also[v])
	}
	if text == "" {
		return a.Version
	}
	return a.Version + " " + percent(rest) + text
}

func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1000)/10, 'f', -1, 64) + "%"
}

func aliasCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "alias", Short: "List, set and remove names for versions",
		Long: "An alias is a name for a version, `live` for instance, that callers use as NAME:ALIAS. It can be moved\nto another version at any time, or send a share of the requests to a second one.",
	}
	return holds(c, aliasListCommand(), aliasSetCommand(), aliasRemoveCommand())
}

// holds makes c a command that only holds others: without one of them it prints its help.
func holds(c *cobra.Command, others ...*cobra.Command) *cobra.Command {
	c.AddCommand(others...)
	c.Args, c.RunE, c.DisableFlagsInUseLine = cobra.ArbitraryArgs, noSubcommand, true
	return c
}

// noSubcommand prints the help, or refuses a word that is no subcommand.
func noSubcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	return &usageError{fmt.Errorf("%s has no subcommand %q\nSee `%s --help`", c.CommandPath(), args[0], c.CommandPath())}
}

func aliasListCommand() *cobra.Command {
	return asks(&cobra.Command{
		Use: "ls NAME", Short: "List the aliases of a function",
		Long: "Lists the aliases of a function and the versions that they lead to, with their shares where there are two.",
	}, (*server).aliases, printAliases)
}

func (s *server) aliases(ctx context.Context, name string) ([]alias, error) {
	all := []alias{}
	pages := awslambda.NewListAliasesPaginator(s.api, &awslambda.ListAliasesInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, s.explain(err)
		}
		for _, a := range page.Aliases {
			all = append(all, aliasOf(a.Name, a.AliasArn, a.FunctionVersion, a.Description, a.RoutingConfig))
		}
	}
	return all, nil
}

func aliasOf(name, arn, version, description *string, routing *types.AliasRoutingConfiguration) alias {
	a := alias{Name: aws.ToString(name), ARN: aws.ToString(arn), Version: aws.ToString(version), Description: aws.ToString(description)}
	if routing != nil {
		a.Also = routing.AdditionalVersionWeights
	}
	return a
}

func printAliases(w io.Writer, all []alias) error {
	t := &table{headings: []string{"ALIAS", "VERSION", "DESCRIPTION"}}
	for _, a := range all {
		t.add(a.Name, a.versions(), a.Description)
	}
	return t.write(w)
}

func aliasSetCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "set NAME ALIAS VERSION", Short: "Make an alias lead to a version", Args: takes(3, 3),
		Long:    "Creates the alias or moves it. With --also a share of the requests goes to a second version; without it\nall of them go to VERSION.",
		Example: "  lambent alias set hello live 1\n  lambent alias set hello live 1 --also 2=10%",
	}
	flags, output := newServerFlags(c), outputFlag(c)
	completesNames(c, flags)
	also := c.Flags().String("also", "", "second `VERSION=SHARE` of the requests, 2=10% for instance")
	description := c.Flags().String("description", "", "`TEXT` that says what the alias is for")
	c.RunE = func(c *cobra.Command, args []string) error {
		routing, err := parseAlso(*also)
		if err != nil {
			return err
		}
		s, err := flags.open()
		if err != nil {
			return err
		}
		a, err := s.setAlias(c.Context(), args, *description, routing)
		if err != nil {
			return s.explain(err)
		}
		return show(c.OutOrStdout(), *output, a, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s:%s leads to %s\n", args[0], a.Name, a.versions())
			return err
		})
	}
	return c
}

// parseAlso reads "2=10%" or "2=0.1". "" sends everything to one version.
func parseAlso(text string) (*types.AliasRoutingConfiguration, error) {
	routing := &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}}
	if text == "" {
		return routing, nil
	}
	version, share, _ := strings.Cut(text, "=")
	number, isPercent := strings.CutSuffix(share, "%")
	weight, err := strconv.ParseFloat(number, 64)
	if isPercent {
		weight /= 100
	}
	if err != nil || version == "" || !(weight >= 0 && weight <= 1) {
		return nil, &usageError{fmt.Errorf("--also %q: write VERSION=SHARE, 2=10%% for instance", text)}
	}
	routing.AdditionalVersionWeights[version] = weight
	return routing, nil
}

// setAlias updates the alias or, where there is none, creates it.
func (s *server) setAlias(ctx context.Context, args []string, description string, routing *types.AliasRoutingConfiguration) (*alias, error) {
	name, as, version := &args[0], &args[1], &args[2]
	up, err := s.api.UpdateAlias(ctx, &awslambda.UpdateAliasInput{
		FunctionName: name, Name: as, FunctionVersion: version, Description: optional(description), RoutingConfig: routing,
	})
	if err == nil {
		a := aliasOf(up.Name, up.AliasArn, up.FunctionVersion, up.Description, up.RoutingConfig)
		return &a, nil
	}
	if !errIsGone(err) {
		return nil, err
	}
	made, err := s.api.CreateAlias(ctx, &awslambda.CreateAliasInput{
		FunctionName: name, Name: as, FunctionVersion: version, Description: optional(description), RoutingConfig: routing,
	})
	if err != nil {
		return nil, err
	}
	a := aliasOf(made.Name, made.AliasArn, made.FunctionVersion, made.Description, made.RoutingConfig)
	return &a, nil
}

func aliasRemoveCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "rm NAME ALIAS", Short: "Remove an alias", Args: takes(2, 2),
		Long: "Removes an alias. The version that it led to stays.",
	}
	flags, output := newServerFlags(c), outputFlag(c)
	completesNames(c, flags)
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := flags.open()
		if err != nil {
			return err
		}
		_, err = s.api.DeleteAlias(c.Context(), &awslambda.DeleteAliasInput{FunctionName: &args[0], Name: &args[1]})
		if err != nil {
			return s.explain(err)
		}
		r := removed{args[0] + ":" + args[1]}
		return show(c.OutOrStdout(), *output, r, r.print)
	}
	return c
}

// list joins names for a cell.
func list(names []string) string { return strings.Join(names, " ") }
