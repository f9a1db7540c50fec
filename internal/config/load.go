package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
)

// Load returns the defaults, changed by the file at path and then by the environment.
// An empty path means no file. A key that Lambent does not know is an error.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	if err := c.readFile(path); err != nil {
		return Config{}, err
	}
	if err := c.readEnvironment(environ); err != nil {
		return Config{}, err
	}
	return c, nil
}

func (c *Config) readFile(path string) error {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading configuration: there is no file %s", path)
	}
	if err != nil {
		return fmt.Errorf("reading configuration: %w", err)
	}
	if err := c.decode(string(text)); err != nil {
		return fmt.Errorf("reading configuration %s: %w", path, err)
	}
	return nil
}

func (c *Config) decode(text string) error {
	meta, err := toml.Decode(text, c)
	if err != nil {
		return err
	}
	for _, key := range meta.Undecoded() {
		return unknownKey(key.String())
	}
	return nil
}

// prefix begins the name of every variable that sets something.
const prefix = "LAMBENT_"

// notSettings are variables of Lambent that are no setting of a server.
var notSettings = map[string]bool{"LAMBENT_CONFIG": true, "LAMBENT_ENDPOINT": true}

// readEnvironment turns variables into the lines that a file would have had, so that
// both are read and checked by the same code.
func (c *Config) readEnvironment(environ []string) error {
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) || notSettings[name] {
			continue
		}
		if err := c.set(name, value); err != nil {
			return fmt.Errorf("reading the environment: %s: %w", name, err)
		}
	}
	return nil
}

func (c *Config) set(variable, value string) error {
	for _, f := range fields() {
		if f.variable == variable {
			return c.decode(f.line(value))
		}
	}
	return unknownKey(strings.ToLower(strings.TrimPrefix(variable, prefix)))
}
