package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func envCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "env", Short: "Print the variables that make AWS's tools talk to this server", Args: noArguments,
		Long:    "Prints variables for a shell. With them the AWS CLI, the SDKs and everything built on them use this\nserver for Lambda, and only for Lambda. Where the settings have [accounts] the credentials are\nthose of the account that they name, secret and all; LAMBENT_ACCOUNT names another. Else nobody\nlooks at them.\n\nThe AWS CLI reads the endpoint from version 2.13 on; an older one, Debian 12's for instance, takes it as\n--endpoint-url \"$AWS_ENDPOINT_URL_LAMBDA\".",
		Example: "  eval \"$(lambent env)\"\n  aws lambda list-functions",
	}
	flags, output := newServerFlags(c), outputFlag(c)
	shell := c.Flags().String("shell", "sh", "`SHELL` to print for: sh (bash, zsh …) or fish")
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, err := flags.open()
		if err != nil {
			return err
		}
		pattern, known := map[string]string{"sh": "export %s=%s\n", "fish": "set -gx %s %s\n"}[*shell]
		if !known {
			return &usageError{fmt.Errorf("--shell %q: use sh or fish", *shell)}
		}
		v, err := s.variables()
		if err != nil {
			return err
		}
		return show(c.OutOrStdout(), *output, v, func(w io.Writer) error { return v.print(w, pattern) })
	}
	return c
}

// awsVariables are what AWS's tools read. Source: AWS SDKs and Tools Reference Guide,
// "Environment variables", "Service-specific endpoints".
type awsVariables struct {
	Endpoint string `json:"AWS_ENDPOINT_URL_LAMBDA"`
	Region   string `json:"AWS_REGION"`
	Default  string `json:"AWS_DEFAULT_REGION"`
	Key      string `json:"AWS_ACCESS_KEY_ID"`
	Secret   string `json:"AWS_SECRET_ACCESS_KEY"`
}

func (s *server) variables() (awsVariables, error) {
	key, secret, err := s.settings.Own()
	if key == "" {
		key, secret = anyone, anyone
	}
	region := s.settings.Region
	return awsVariables{Endpoint: s.endpoint, Region: region, Default: region, Key: key, Secret: secret}, err
}

func (v awsVariables) print(w io.Writer, pattern string) error {
	for _, p := range [][2]string{
		{"AWS_ENDPOINT_URL_LAMBDA", v.Endpoint},
		{"AWS_REGION", v.Region},
		{"AWS_DEFAULT_REGION", v.Default},
		{"AWS_ACCESS_KEY_ID", v.Key},
		{"AWS_SECRET_ACCESS_KEY", v.Secret},
	} {
		if _, err := fmt.Fprintf(w, pattern, p[0], quote(p[1])); err != nil {
			return err
		}
	}
	return nil
}

// quote makes a value one word of a shell. Values with nothing special stay as they are.
func quote(value string) string {
	if value != "" && strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/") == "" {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
