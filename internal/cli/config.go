package cli

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"lambent.dev/lambent/internal/config"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "config", Short: "Show and check the settings of the server",
		Long: "The settings of `lambent up` come from a file (--config), then from LAMBENT_* variables, then from flags.\nA name that Lambent does not know is an error, wherever it stands.",
	}
	return holds(c, configShowCommand(), configCheckCommand())
}

func configFlag(c *cobra.Command) *string {
	return c.Flags().String("config", os.Getenv("LAMBENT_CONFIG"), "`FILE` with settings (TOML)")
}

func configShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "show", Short: "Print the settings as `lambent up` would have them", Args: noArguments,
		Long: "Prints every setting, defaults among them, in the form of a settings file. Secrets are hidden.",
	}
	file, output := configFlag(c), outputFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		settings, err := config.Load(*file, os.Environ())
		if err != nil {
			return err
		}
		text, values, err := written(withoutSecrets(settings))
		if err != nil {
			return err
		}
		return show(c.OutOrStdout(), *output, values, func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
	}
	return c
}

// hidden stands where a secret is set.
const hidden = "xxxxx"

// withoutSecrets hides the password in a database's URL, the key of the object store, and what
// stands where accounts say where a secret is and may be one.
func withoutSecrets(settings config.Config) config.Config {
	settings.Accounts = maps.Clone(settings.Accounts)
	for id, a := range settings.Accounts {
		a.Keys = placesOf(a.Keys)
		settings.Accounts[id] = a
	}
	settings.Store = withoutPassword(settings.Store)
	if settings.S3.SecretKey != "" {
		settings.S3.SecretKey = hidden
	}
	return settings
}

func placesOf(keys map[string]string) map[string]string {
	shown := maps.Clone(keys)
	for id, at := range shown {
		if !config.NamesSecret(at) {
			shown[id] = hidden
		}
	}
	return shown
}

func withoutPassword(store string) string {
	u, err := url.Parse(store)
	if err != nil {
		return "(not a URL)"
	}
	return u.Redacted()
}

// written is the settings as a file has them, and the same as values by name.
func written(settings config.Config) (text []byte, values map[string]any, err error) {
	var b bytes.Buffer
	enc := toml.NewEncoder(&b)
	enc.Indent = ""
	if err := enc.Encode(settings); err != nil {
		return nil, nil, fmt.Errorf("writing the settings: %w", err)
	}
	if err := toml.Unmarshal(b.Bytes(), &values); err != nil {
		return nil, nil, fmt.Errorf("writing the settings: %w", err)
	}
	return b.Bytes(), values, nil
}

func configCheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "check", Short: "Say whether `lambent up` would accept the settings", Args: noArguments,
		Long: "Reads the file and the environment and says everything that is wrong with them. Nothing is started.",
	}
	file, output := configFlag(c), outputFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		settings, err := config.Load(*file, os.Environ())
		if err == nil {
			err = settings.Validate()
		}
		if err != nil {
			return err
		}
		result := checked{File: *file, OK: true}
		return show(c.OutOrStdout(), *output, result, result.print)
	}
	return c
}

// checked is the outcome of `lambent config check`; what is wrong is an error instead.
type checked struct {
	File string `json:"file,omitempty"`
	OK   bool   `json:"ok"`
}

func (r checked) print(w io.Writer) error {
	from := "the environment and the defaults"
	if r.File != "" {
		from = r.File
	}
	_, err := fmt.Fprintf(w, "the settings of %s are right\n", from)
	return err
}
