package lambdaapi

import "lambent.dev/lambent/internal/lambda"

// storing runs keep, which adds code to what an account has. left is how many bytes it may add; below 0
// where the limit was lowered. No other call adds any until keep returns: two cannot both take what is left.
func (c *call) storing(account string, keep func(left int64) error) error {
	c.adding.Lock()
	defer c.adding.Unlock()
	left, err := c.codeLeft(account)
	if err != nil {
		return err
	}
	return keep(left)
}

func (c *call) codeLeft(account string) (int64, error) {
	used, err := c.Store.CodeSize(c.ctx(), account)
	return c.rule(account).CodeStorage - used, err
}

// admitCode refuses what cannot be kept before it is on the disk. It promises nothing: storing decides.
func (c *call) admitCode(account string, grows int64) error {
	left, err := c.codeLeft(account)
	if err != nil {
		return err
	}
	return fits(grows, left)
}

// updateCode is update where apply may add code.
func (c *call) updateCode(n named, apply func(*lambda.Function) error) (fn lambda.Function, err error) {
	err = c.storing(n.id.Account, func(left int64) (err error) {
		fn, err = c.update(n, func(fn *lambda.Function) error {
			before := fn.CodeSize()
			if err := apply(fn); err != nil {
				return err
			}
			return fits(fn.CodeSize()-before, left)
		})
		return err
	})
	return fn, err
}

// fits lets pass what does not grow, also above a limit that was lowered.
func fits(grows, left int64) error {
	if grows > max(left, 0) {
		return lambda.NewError(lambda.ErrCodeStorageExceeded, "Code storage limit exceeded.")
	}
	return nil
}
