package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// takes checks the number of arguments, which are named as in the usage line: least of
// them must be there; most < 0 is no bound.
func takes(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		_, usage, _ := strings.Cut(c.Use, " ")
		switch {
		case len(args) < least:
			return &usageError{fmt.Errorf("%s needs %s\nSee `%s --help`", c.CommandPath(), usage, c.CommandPath())}
		case most >= 0 && len(args) > most:
			return &usageError{fmt.Errorf("%s does not take %q\nSee `%s --help`", c.CommandPath(), args[most], c.CommandPath())}
		}
		return nil
	}
}

// assignments reads K=V arguments of a flag. Where bare is not nil, K alone takes its
// value from there.
func assignments(flag string, given []string, bare func(string) (string, bool)) (map[string]string, error) {
	values := map[string]string{}
	for _, text := range given {
		name, value, found := strings.Cut(text, "=")
		if !found && bare != nil {
			value, found = bare(name)
		}
		if !found || name == "" {
			return nil, &usageError{fmt.Errorf("--%s %q: write NAME=VALUE", flag, text)}
		}
		values[name] = value
	}
	return values, nil
}
