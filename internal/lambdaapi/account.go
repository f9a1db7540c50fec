package lambdaapi

import (
	"context"
	"net/http"

	"lambent.dev/lambent/internal/lambda"
)

// maxTotalCode is AWS's quota of code per account and region, in bytes (75 GiB). It is
// what tools expect to read; Lambent's limit is the disk.
const maxTotalCode = 80_530_636_800

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
	err = c.Store.Layers(c.ctx(), c.who.account, c.who.region, "", func(v lambda.LayerVersion) error {
		used.code += v.Code.Size
		return nil
	})
	if err != nil {
		return err
	}
	concurrency := c.rule(c.who.account).Concurrency
	return c.answer(http.StatusOK, accountSettings{
		AccountLimit: accountLimit{
			TotalCodeSize: maxTotalCode, CodeSizeUnzipped: lambda.MaxUnzipped, CodeSizeZipped: lambda.MaxZipped,
			ConcurrentExecutions: concurrency, UnreservedConcurrentExecutions: concurrency - used.claimed,
		},
		AccountUsage: accountUsage{TotalCodeSize: used.code, FunctionCount: used.functions},
	})
}

// usage is what the functions of an account in a region use.
type usage struct {
	functions int
	code      int64 // bytes of the packages of all versions
	claimed   int   // concurrency that functions have for themselves
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
	u.code += fn.Latest.Code.Size
	for i := range fn.Published {
		u.code += fn.Published[i].Code.Size
	}
}
