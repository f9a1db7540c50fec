package main

import (
	"fmt"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// compile bundles a TypeScript file into one file of CommonJS for Node.
func compile(source, target string) error {
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{source}, Outfile: target, Bundle: true, Write: true,
		Platform: api.PlatformNode, Target: api.ES2022, Format: api.FormatCommonJS, Sourcemap: api.SourceMapInline,
	})
	if len(result.Errors) > 0 {
		return fmt.Errorf("compiling %s: %s", filepath.Base(source), result.Errors[0].Text)
	}
	return nil
}
