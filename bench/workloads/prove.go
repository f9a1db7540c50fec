package workloads

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// proving is the module that Prove adds.
const proving = "lambent_bench"

// Prove adds a module to a package whose handler answers {"born", "result"} around the
// package's own one, and returns that handler. proves is false where there is no way: a
// compiled program.
func Prove(packed []byte, runtime, handler string) (out []byte, entry string, proves bool, err error) {
	module, function, found := cutLast(handler)
	switch {
	case !found:
		return packed, handler, false, nil
	case strings.HasPrefix(runtime, string(Python)):
		out, err = addTo(packed, proving+".py", fmt.Appendf(nil, pythonProof, module, function))
	case strings.HasPrefix(runtime, string(Node)):
		var file string
		if file, err = fileOf(packed, module); err == nil {
			out, err = addTo(packed, proving+".js", fmt.Appendf(nil, nodeProof, file, function))
		}
	default:
		return packed, handler, false, nil
	}
	return out, proving + ".handler", true, err
}

const pythonProof = `import time

BORN = time.time_ns() // 1000

import importlib

inner = importlib.import_module(%q).%s


def handler(event, context):
    return {"born": BORN, "result": inner(event, context)}
`

const nodeProof = `"use strict";
const born = Math.floor((performance.timeOrigin + performance.now()) * 1000);
const module_ = import(%q);

exports.handler = async (event, context) => {
  const loaded = await module_;
  return { born, result: await (loaded.%[2]s ?? loaded.default.%[2]s)(event, context) };
};
`

func cutLast(handler string) (module, function string, found bool) {
	i := strings.LastIndexByte(handler, '.')
	if i <= 0 {
		return handler, "", false
	}
	return strings.ReplaceAll(handler[:i], "/", "."), handler[i+1:], true
}

// fileOf is the file of a module of Node, as import takes it.
func fileOf(packed []byte, module string) (string, error) {
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return "", err
	}
	for _, f := range r.File {
		ext := path.Ext(f.Name)
		if strings.TrimSuffix(f.Name, ext) == module && slices.Contains([]string{".js", ".mjs", ".cjs"}, ext) {
			return "./" + f.Name, nil
		}
	}
	return "", fmt.Errorf("the package has no module %s", module)
}

// addTo copies a package and adds a file.
func addTo(packed []byte, name string, text []byte) ([]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range r.File {
		if err := w.Copy(f); err != nil {
			return nil, err
		}
	}
	err = errors.Join(Add(w, name, text, 0o644), w.Close())
	return buf.Bytes(), err
}
