package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func allCommands(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		all = append(all, allCommands(sub)...)
	}
	return all
}

// noResult are commands whose output is no result that could be JSON; their help says what it is.
var noResult = []string{"lambent up", "lambent completion", "lambent man"}

// Every command that has a result prints it as JSON where it is asked to.
func TestResultsAreForMachinesToo(t *testing.T) {
	for _, c := range allCommands(rootCommand()) {
		if c.HasSubCommands() {
			continue
		}
		has, want := c.Flags().Lookup("output") != nil, !slices.Contains(noResult, c.CommandPath())
		if has != want {
			t.Errorf("%s: --output %v, want %v", c.CommandPath(), has, want)
		}
		if !want && !strings.Contains(c.Long, "no --output") {
			t.Errorf("%s does not say why it has no --output", c.CommandPath())
		}
	}
}

// A usage line shows what can be typed: a command that only holds others takes no flags, and a
// default reads as a person would write it.
func TestUsageIsWhatCanBeTyped(t *testing.T) {
	for _, c := range allCommands(rootCommand()) {
		usage := c.UsageString()
		if c.HasSubCommands() && strings.Contains(usage, c.CommandPath()+" [flags]\n") {
			t.Errorf("%s: %s", c.CommandPath(), usage)
		}
		if strings.Contains(usage, ".000000") {
			t.Errorf("%s: %s", c.CommandPath(), usage)
		}
	}
	if usage := rootCommand().UsageString(); !strings.Contains(usage, "  lambent [command]\n") {
		t.Error(usage)
	}
}
