package lambda

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// The rows are read from the source, so that a row added later is held to the same.
func TestKindsAreOneConsistentTable(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "kinds.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		row, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		name, status, key, kind := field(row, 0), field(row, 1), field(row, 2), field(row, 3)
		if names[name] {
			t.Errorf("%s is there twice", name)
		}
		names[name] = true
		if !strings.HasSuffix(name, "Exception") || len(status) != 3 {
			t.Errorf("odd row: %s %s", name, status)
		}
		if key != "message" && key != "Message" {
			t.Errorf("%s: message key %q", name, key)
		}
		if kind == "User" && status == "500" || kind == "Service" && status < "500" {
			t.Errorf("%s: type %q with status %s", name, kind, status)
		}
		return true
	})
	if len(names) < 50 {
		t.Errorf("%d rows", len(names))
	}
}

func field(row *ast.CompositeLit, i int) string {
	return strings.Trim(row.Elts[i].(*ast.BasicLit).Value, `"`)
}

func TestMessageKeys(t *testing.T) {
	// Source: SDK models and recorded answers.
	for _, k := range []*ErrorKind{ErrResourceNotFound, ErrService, ErrInvalidRuntime, ErrInvalidZipFile, ErrRecursiveInvocation, ErrRequestEntityTooLarge} {
		if k.MessageKey != "Message" {
			t.Errorf("%s: %s", k.Name, k.MessageKey)
		}
	}
	for _, k := range []*ErrorKind{ErrInvalidParameterValue, ErrResourceConflict, ErrTooManyRequests, ErrInvalidRequestContent, ErrRequestTooLarge, ErrUnsupportedMediaType, ErrValidation} {
		if k.MessageKey != "message" {
			t.Errorf("%s: %s", k.Name, k.MessageKey)
		}
	}
}
