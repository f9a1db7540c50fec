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
		Shown:   d.shown,
		Log:     d.log,
	}
}

// usedDigests yields the digests that a stored function or layer names.
func (d *Daemon) usedDigests(ctx context.Context, yield func(string)) error {
	err := d.parts.store.All(ctx, func(fn lambda.Function) error {
		digests(&fn, yield)
		return nil
	})
	if err != nil {
		return err
	}
	return d.parts.store.AllLayers(ctx, func(v lambda.LayerVersion) error {
		yield(v.Code.Digest)
		return nil
	})
}

// digests yields the digests that the versions of a function name, also the one that serves
// while an update is under way.
func digests(fn *lambda.Function, yield func(string)) {
	fn.Each(func(v *lambda.Version) {
		for digest := range v.Digests {
			yield(digest)
		}
	})
}
