package instance_test

import (
	"context"
	"os"
	"testing"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/fake"
)

// BenchmarkInvoke is what the instance itself costs a warm invocation, on the fake.
func BenchmarkInvoke(b *testing.B) {
	template, err := fake.New(fake.Script{}).Prepare(b.Context(), sandbox.Base{})
	if err != nil {
		b.Fatal(err)
	}
	i, err := instance.NewLauncher(instance.Deps{
		Boxes:    boxesOf(b, template),
		Runtimes: catalogue{framed},
		Code:     func(context.Context, string) (string, error) { return b.TempDir(), nil },
	}).Start(b.Context(), newTarget())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = i.Close(context.Background()) }()
	inv := invocation(`{}`)
	for b.Loop() {
		if _, err := i.Invoke(context.Background(), inv, newSink()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInvokeLight is a warm invocation in a real sandbox, by the Runtime API.
func BenchmarkInvokeLight(b *testing.B) {
	if os.Getuid() != 0 {
		b.Skip("light needs root")
	}
	code := openFolder(b)
	build(b, code, "./testdata/bootstrap")
	template, err := drivers(b)["light"].Prepare(b.Context(), baseOfTests())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = template.Close() }()
	target := newTarget()
	target.Version.Runtime = "provided.al2023"
	i, err := instance.NewLauncher(instance.Deps{
		Boxes:    boxesOf(b, template),
		Runtimes: catalogue{provided},
		Code:     func(context.Context, string) (string, error) { return code, nil },
	}).Start(b.Context(), target)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = i.Close(context.Background()) }()
	inv := invocation(`"hello"`)
	inv.TailLog = false
	for b.Loop() {
		if _, err := i.Invoke(context.Background(), inv, newSink()); err != nil {
			b.Fatal(err)
		}
	}
}

func baseOfTests() sandbox.Base {
	return sandbox.Base{Trust: "000000000000", Root: sandbox.RootHost, Tmp: 512 << 20, Network: sandbox.NetworkNone}
}
