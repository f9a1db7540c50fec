package lambdaapi

import (
	"slices"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// deleteFunction answers DeleteFunction: of the whole function, or of one published
// version.
func deleteFunction(c *call) error {
	var v lambda.Violations
	n, err := c.function(lambda.NameToDelete, &v)
	if err != nil {
		return err
	}
	if n.qualifier == lambda.Latest {
		return invalid("$LATEST version cannot be deleted without deleting the function.")
	}
	if err := c.remove(n); err != nil {
		return err
	}
	c.noContent()
	return nil
}

func (c *call) remove(n named) error {
	err := c.removeFrom(n)
	if isMissing(err) {
		return errNotFound(n)
	}
	return err
}

func (c *call) removeFrom(n named) error {
	if n.qualifier != "" {
		return c.removeVersion(n)
	}
	lock := c.changes.of(n.id)
	lock.Lock()
	defer lock.Unlock()
	if err := c.Store.DeleteFunction(c.ctx(), n.id); err != nil {
		return err
	}
	c.Directory.Remove(n.id)
	return nil
}

// removeVersion deletes a published version. One that is not there is as good as deleted:
// AWS answers 204.
func (c *call) removeVersion(n named) error {
	_, err := c.change(c.ctx(), n.id, func(fn *lambda.Function) error {
		if fn.Alias(n.qualifier) != nil {
			return invalid("Deletion of aliases is not currently supported.")
		}
		if used := aliasesOf(fn, n.qualifier); len(used) > 0 {
			return lambda.NewError(lambda.ErrResourceConflict,
				"Unable to delete version because the following aliases reference it: [%s]", strings.Join(used, ", "))
		}
		fn.Published = slices.DeleteFunc(fn.Published, func(v lambda.Version) bool { return v.Version == n.qualifier })
		detach(fn, n.qualifier)
		return nil
	})
	return err
}

// aliasesOf returns the names of the aliases that run a version.
func aliasesOf(fn *lambda.Function, version string) []string {
	var names []string
	for i := range fn.Aliases {
		if fn.Aliases[i].Routes(version) {
			names = append(names, fn.Aliases[i].Name)
		}
	}
	return names
}

// detach forgets what was attached to a version or an alias that is deleted.
func detach(fn *lambda.Function, qualifier string) {
	delete(fn.Policies, qualifier)
	delete(fn.EventInvoke, qualifier)
	unprovision(fn, qualifier)
}
