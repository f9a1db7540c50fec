package lambdaapi

import (
	"net/http"

	"lambent.dev/lambent/internal/lambda"
)

type accountSettings struct {
	AccountLimit accountLimit
	AccountUsage accountUsage
}

type accountLimit struct {
	TotalCodeSize                  int64
	CodeSizeUnzipped               int64
	CodeSizeZipped                 int64
	ConcurrentExecutions           int
	UnreservedConcurrentExecutions int
}

type accountUsage struct {
	TotalCodeSize int64
	FunctionCount int
}

// getAccountSettings answers GetAccountSettings with what is really in use.
func getAccountSettings(c *call) error {
	functions, claimed, err := c.Store.Usage(c.ctx(), c.who.account, c.who.region)
	if err != nil {
		return err
	}
	code, err := c.Store.CodeSize(c.ctx(), c.who.account)
	if err != nil {
		return err
	}
	rule := c.rule(c.who.account)
	return c.answer(http.StatusOK, accountSettings{
		AccountLimit: accountLimit{
			TotalCodeSize: rule.CodeStorage, CodeSizeUnzipped: lambda.MaxUnzipped, CodeSizeZipped: lambda.MaxZipped,
			ConcurrentExecutions: rule.Concurrency, UnreservedConcurrentExecutions: rule.Concurrency - claimed,
		},
		AccountUsage: accountUsage{TotalCodeSize: code, FunctionCount: functions},
	})
}
