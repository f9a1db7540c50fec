package instance_test

import (
	"context"
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
