package router

import (
	"sync"

	"lambent.dev/lambent/internal/lambda"
)

// DefaultConcurrency is AWS's limit of concurrent executions of an account in a
// region ("Lambda quotas").
const DefaultConcurrency = 1000

// Local is the whole allotment of a single machine. Every account has limit permits
// per region. A function with reserved concurrency uses its own permits and never
// others; the other functions share what nobody claims (Developer Guide, "Configuring
// reserved concurrency"). A version with provisioned concurrency has permits that no
// other version gets, out of its function's reservation or else out of what all share; when
// they are in use it takes part in the rest (ibid., "Configuring provisioned concurrency").
//
// No moment sees more permits out than an account has, nor, after a reservation was
// made, new ones of its function while as many as reserved are out.
type Local struct {
	limit int

	mu       sync.RWMutex // guards what follows
	limits   map[string]int
	accounts map[account]*permits
}

// account is the scope of a concurrency limit.
type account struct{ id, region string }

// NewLocal returns an allotment with limit permits for every account and region.
func NewLocal(limit int) *Local {
	return &Local{limit: limit, accounts: map[account]*permits{}}
}

// Limit gives an account another limit than the common one. It is to be called before the account's
// first permit.
func (l *Local) Limit(account string, limit int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limits == nil {
		l.limits = map[string]int{}
	}
	l.limits[account] = limit
}

// TryAcquire implements Allotment.
func (l *Local) TryAcquire(id lambda.FunctionID, version string) (release func(), err error) {
	return l.account(id).acquire(id.Name, version)
}

// Admits implements Allotment.
func (l *Local) Admits(id lambda.FunctionID) bool { return l.account(id).admits(id.Name) }

// Assign implements Allotment. What is assigned may be smaller than what is in use:
// permits that are out stay valid, no new one is given.
func (l *Local) Assign(id lambda.FunctionID, a Allocation) { l.account(id).assign(id.Name, a) }

// Forget implements Allotment.
func (l *Local) Forget(id lambda.FunctionID) { l.account(id).forget(id.Name) }

func (l *Local) account(id lambda.FunctionID) *permits {
	key := account{id.Account, id.Region}
	l.mu.RLock()
	p := l.accounts[key]
	l.mu.RUnlock()
	if p != nil {
		return p
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.accounts[key]; p != nil {
		return p
	}
	limit, own := l.limits[id.Account]
	if !own {
		limit = l.limit
	}
	p = &permits{limit: limit, functions: map[string]*share{}}
	l.accounts[key] = p
	return p
}
