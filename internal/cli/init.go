package cli

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// templates are folders to begin with, one per language. Their files end in ".txt" so that
// they are data here and sources there.
//
//go:embed templates
var templates embed.FS

func initCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "init DIR", Short: "Make a folder with a function to begin with", Args: takes(1, 1),
		Long:    "Makes a folder with a small function and an event to invoke it with. Files that are there already are\nnever overwritten.",
		Example: "  lambent init hello\n  lambent init shop --template typescript",
	}
	output := outputFlag(c)
	template := c.Flags().String("template", "python", "`LANGUAGE`: python, node, typescript or go")
	c.RunE = func(c *cobra.Command, args []string) error {
		made, err := scaffold(args[0], *template)
		if err != nil {
			return err
		}
		return show(c.OutOrStdout(), *output, made, made.print)
	}
	return c
}

// scaffolded is what `lambent init` has made.
type scaffolded struct {
	Dir      string   `json:"dir"`
	Template string   `json:"template"`
	Files    []string `json:"files"`
}

var templateNames = []string{"python", "node", "typescript", "go"}

// scaffold writes a template into dir, or nothing if one of its files is there.
func scaffold(dir, template string) (*scaffolded, error) {
	if !slices.Contains(templateNames, template) {
		return nil, &usageError{fmt.Errorf("--template %q: use python, node, typescript or go", template)}
	}
	s := &scaffolded{Dir: dir, Template: template}
	files, err := fs.ReadDir(templates, path.Join("templates", template))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		s.Files = append(s.Files, strings.TrimSuffix(f.Name(), ".txt"))
	}
	if err := s.refuseExisting(); err != nil {
		return nil, err
	}
	return s, s.write()
}

func (s *scaffolded) refuseExisting() error {
	for _, name := range s.Files {
		p := filepath.Join(s.Dir, name)
		if _, err := os.Lstat(p); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there already: name another folder", p)
		}
	}
	return nil
}

func (s *scaffolded) write() error {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	for _, name := range s.Files {
		text, err := templates.ReadFile(path.Join("templates", s.Template, name+".txt"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(s.Dir, name), text, 0o644); err != nil {
			return fmt.Errorf("writing the template: %w", err)
		}
	}
	return nil
}

func (s *scaffolded) print(w io.Writer) error {
	dir := quote(s.Dir)
	_, err := fmt.Fprintf(w, "made %s: %s\n\ndeploy it:  lambent deploy %s\ninvoke it:  lambent invoke %s @%s\n",
		s.Dir, strings.Join(s.Files, ", "), dir, filepath.Base(s.Dir), filepath.Join(dir, "event.json"))
	return err
}
