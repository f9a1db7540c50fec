package bundle

import (
	"context"
	"errors"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// esSyntax matches a line that only an ES module has.
var esSyntax = regexp.MustCompile(`(?m)^\s*(export\s|import\s[^(])`)

// packTypeScript bundles the entry with all that it imports into one file of CommonJS,
// which needs no node_modules, and puts the folder's other files beside it.
func packTypeScript(_ context.Context, s *source) ([]file, error) {
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: s.dir, EntryPoints: []string{s.entry}, Outfile: "out.js",
		Bundle: true, Platform: api.PlatformNode, Format: api.FormatCommonJS,
		Engines:  []api.Engine{{Name: api.EngineNode, Version: s.nodeVersion()}},
		LogLevel: api.LogLevelSilent, Charset: api.CharsetUTF8,
	})
	if len(result.Errors) > 0 {
		return nil, bundling(result.Errors)
	}
	name := path.Base(s.module())
	if s.options.Handler == "" {
		s.handler = name + s.handler[strings.LastIndexByte(s.handler, '.'):]
	} else if i := strings.LastIndexByte(s.handler, '.'); i > 0 {
		name = s.handler[:i]
	}
	files, err := s.beside()
	return append(files, file{name: name + ".js", content: result.OutputFiles[0].Contents}), err
}

// nodeVersion is the number in "nodejs22.x".
func (s *source) nodeVersion() string {
	version := strings.TrimSuffix(strings.TrimPrefix(s.runtime, "nodejs"), ".x")
	if version == "" || strings.Trim(version, "0123456789") != "" {
		return "18"
	}
	return version
}

// beside returns the files of the folder that are not in the bundle: data that the
// function may read.
func (s *source) beside() ([]file, error) {
	if s.single {
		return nil, nil
	}
	return readFolder(s.dir, func(name string) bool {
		base := path.Base(name)
		return base == "node_modules" || base == "package.json" || base == "package-lock.json" ||
			strings.HasPrefix(base, "tsconfig") || code(base)
	})
}

func code(name string) bool {
	switch filepath.Ext(name) {
	case ".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx", ".map":
		return true
	}
	return false
}

// bundling makes an error of what esbuild found, each with its place.
func bundling(found []api.Message) error {
	text := api.FormatMessages(found, api.FormatMessagesOptions{Kind: api.ErrorMessage})
	message := strings.TrimSpace(strings.Join(text, ""))
	if strings.Contains(message, "Could not resolve") {
		message += "\n\ndependencies are installed with --install, or by `npm install` in the folder"
	}
	return errors.New("bundling TypeScript:\n" + message)
}
