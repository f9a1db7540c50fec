package lambdaapi

import (
	"slices"

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
	c.changes.Lock()
	defer c.changes.Unlock()
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
	if err := c.Store.DeleteFunction(c.ctx(), n.id); err != nil {
		return err
	}
	c.Directory.Remove(n.id)
	return nil
}

func (c *call) removeVersion(n named) error {
	fn, err := c.Store.UpdateFunction(c.ctx(), n.id, func(fn *lambda.Function) error {
		i := slices.IndexFunc(fn.Published, func(v lambda.Version) bool { return v.Version == n.qualifier })
		if i < 0 {
			return errNotFound(n)
		}
		fn.Published = slices.Delete(fn.Published, i, i+1)
		fn.Detach(n.qualifier)
		return nil
	})
	if err != nil {
		return err
	}
	return c.Directory.Put(fn)
}
