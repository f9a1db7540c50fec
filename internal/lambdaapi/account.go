package lambdaapi

import (
	"context"
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
	used, err := c.usage(c.ctx(), c.who.account, c.who.region)
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
			ConcurrentExecutions: rule.Concurrency, UnreservedConcurrentExecutions: rule.Concurrency - used.claimed,
		},
		AccountUsage: accountUsage{TotalCodeSize: code, FunctionCount: used.functions},
	})
}

// usage is what the functions of an account in a region use.
type usage struct {
	functions int
	claimed   int // concurrency that functions have for themselves
}

// usagePage is how many functions are in memory at once while they are counted.
const usagePage = 100

func (s *Server) usage(ctx context.Context, account, region string) (usage, error) {
	var used usage
	for after := ""; ; {
		page, err := s.Store.Functions(ctx, account, region, after, usagePage)
		if err != nil || len(page) == 0 {
			return used, err
		}
		for i := range page {
			used.add(&page[i])
		}
		after = page[len(page)-1].ID.Name
	}
}

func (u *usage) add(fn *lambda.Function) {
	u.functions++
	u.claimed += fn.ClaimedConcurrency()
}
