package daemon

import (
	"context"

	"lambent.dev/lambent/internal/collect"
	"lambent.dev/lambent/internal/lambda"
)

func (d *Daemon) garbageSettings() collect.Settings {
	return collect.Settings{
		Shelves: map[string]collect.Shelf{"packages": d.parts.blobs, "unpacked packages": d.parts.packages},
		Users:   d.usedDigests,
		Shown:   d.pool.Holds,
		Log:     d.log,
	}
}

// usedDigests yields the digests that a stored function names.
func (d *Daemon) usedDigests(ctx context.Context, yield func(string)) error {
	return d.parts.store.All(ctx, func(fn lambda.Function) error {
		digests(&fn, yield)
		return nil
	})
}

// digests yields the digests that the versions of a function name.
func digests(fn *lambda.Function, yield func(string)) {
	for digest := range fn.Latest.Digests {
		yield(digest)
	}
	for i := range fn.Published {
		for digest := range fn.Published[i].Digests {
			yield(digest)
		}
	}
}
