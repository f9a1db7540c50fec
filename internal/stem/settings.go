package stem

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// Settings bound what is kept ready. The zero value keeps nothing.
type Settings struct {
	Floor   int    // stems of every bed that is in use
	Ceiling int    // stems of one bed; 0 = none are made
	Boxes   Bounds // the same of bare boxes
	Memory  int64  // bytes that all together may use; 0 = no limit
}

// Bounds are those of beds of one kind.
type Bounds struct{ Floor, Ceiling int }

// DefaultSettings are for a machine that functions share with nothing: a burst of ten
// requests finds a stem each.
func DefaultSettings() Settings {
	return Settings{Floor: 10, Ceiling: 64, Boxes: Bounds{Floor: 10, Ceiling: 64}, Memory: 512 << 20}
}

// Validate says what is wrong with the settings.
func (s Settings) Validate() error {
	if s.Memory < 0 {
		return errors.New("the memory of stems must not be negative")
	}
	return errors.Join(Bounds{s.Floor, s.Ceiling}.validate("stems"), s.Boxes.validate("boxes"))
}

func (b Bounds) validate(what string) error {
	if b.Floor < 0 || b.Ceiling < 0 {
		return fmt.Errorf("numbers of %s must not be negative", what)
	}
	if b.Floor > b.Ceiling {
		return fmt.Errorf("the floor of %s is %d, above the ceiling of %d", what, b.Floor, b.Ceiling)
	}
	return nil
}

// Deps is what a Store needs.
type Deps struct {
	// Templates returns the prepared template of a base, preparing it if need be.
	Templates func(ctx context.Context, tier lambda.Tier, base sandbox.Base) (sandbox.Template, error)
	// Early says whether a tier's sandboxes may be made before they are needed. nil = never.
	Early func(tier lambda.Tier) bool
	// Starting says whether an instance is being started; nil = it is not known.
	Starting func() bool
	// Addresses are opened in every stem ahead, for Box.Listen.
	Addresses []string
	// Owner begins the names of sandboxes, so that Reap knows whose they are. Letters,
	// digits and '-'.
	Owner string
	Log   *slog.Logger // nil = nowhere
}
