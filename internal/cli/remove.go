package cli

import (
	"fmt"
	"io"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"
)

func removeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "rm NAME…", Short: "Delete functions, or NAME:VERSION", Args: takes(1, -1),
		Long: "Deletes functions with all their versions, or single versions of them. What was logged stays readable\nwith `lambent logs`. There is no question asked and no way back.",
	}
	flags, output := newServerFlags(c), outputFlag(c)
	completesNames(c, flags)
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := flags.open()
		if err != nil {
			return err
		}
		for _, name := range args {
			if _, err := s.api.DeleteFunction(c.Context(), &awslambda.DeleteFunctionInput{FunctionName: &name}); err != nil {
				return s.explain(err)
			}
			if err := show(c.OutOrStdout(), *output, removed{name}, removed{name}.print); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

// removed is what was deleted.
type removed struct {
	Name string `json:"deleted"`
}

func (r removed) print(w io.Writer) error {
	_, err := fmt.Fprintln(w, "deleted", r.Name)
	return err
}
