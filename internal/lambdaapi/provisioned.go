package lambdaapi

import (
	"maps"
	"math"
	"net/http"
	"slices"

	"lambent.dev/lambent/internal/lambda"
)

// provisionedShape is the answer of PutProvisionedConcurrencyConfig and of
// GetProvisionedConcurrencyConfig.
type provisionedShape struct {
	Requested    int    `json:"RequestedProvisionedConcurrentExecutions"`
	Available    int    `json:"AvailableProvisionedConcurrentExecutions"`
	Allocated    int    `json:"AllocatedProvisionedConcurrentExecutions"`
	Status       string `json:"Status"`
	StatusReason string `json:"StatusReason,omitempty"`
	LastModified string `json:"LastModified"`
}

func (s *Server) describeProvisioned(n named, config lambda.ProvisionedConfig) provisionedShape {
	state := s.Provisioner.Provisioned(n.id, n.qualifier)
	return provisionedShape{
		Requested: config.Executions, Available: state.Available, Allocated: state.Allocated,
		Status: state.Status, StatusReason: state.Reason, LastModified: config.LastModified.UTC().Format(modifiedFormat),
	}
}

type putProvisionedRequest struct{ ProvisionedConcurrentExecutions *int }

// putProvisionedConfig answers PutProvisionedConcurrencyConfig.
func putProvisionedConfig(c *call) error {
	var in putProvisionedRequest
	if err := c.readRequest(maxRequest, &in); err != nil {
		return err
	}
	var v lambda.Violations
	if in.ProvisionedConcurrentExecutions == nil {
		v.Missing("provisionedConcurrentExecutions")
	}
	number(&v, "provisionedConcurrentExecutions", in.ProvisionedConcurrentExecutions, 1, math.MaxInt)
	n, err := c.provisionedName(lambda.NameToUpdate, &v)
	if err != nil {
		return err
	}
	if n.qualifier == lambda.Latest {
		return errUnpublished()
	}
	config, err := c.Provision(c.ctx(), n.id, n.qualifier, *in.ProvisionedConcurrentExecutions)
	if err != nil {
		return err
	}
	return c.answer(http.StatusAccepted, c.describeProvisioned(n, config))
}

// provisionedName reads name and qualifier, which is required.
func (c *call) provisionedName(rule lambda.NameRule, v *lambda.Violations) (named, error) {
	n, err := c.function(rule, v)
	if err == nil && n.qualifier == "" {
		v.Missing("qualifier")
		err = v.Err()
	}
	return n, err
}

// getProvisionedConfig answers GetProvisionedConcurrencyConfig, and, as the two share
// method and path, ListProvisionedConcurrencyConfigs.
func getProvisionedConfig(c *call) error {
	if c.query.Get("List") == "ALL" {
		return listProvisionedConfigs(c)
	}
	n, fn, err := c.provisionedFunction(lambda.NameToRead)
	if err != nil {
		return err
	}
	config, ok := fn.Provisioned[n.qualifier]
	if !ok {
		return lambda.NewError(lambda.ErrProvisionedConfigNotFound, "No Provisioned Concurrency Config found for this function")
	}
	return c.answer(http.StatusOK, c.describeProvisioned(n, config))
}

// provisionedFunction reads the function of an operation on a configuration that may be
// there.
func (c *call) provisionedFunction(rule lambda.NameRule) (named, *lambda.Function, error) {
	var v lambda.Violations
	n, err := c.provisionedName(rule, &v)
	if err != nil {
		return n, nil, err
	}
	if n.qualifier == lambda.Latest {
		return n, nil, invalid("The function resource provided must be an alias or a published version.")
	}
	fn, err := c.stored(n, errNothingNamed(n))
	if err == nil && fn.Find(n.qualifier) == nil {
		err = errNothingNamed(n)
	}
	return n, &fn, err
}

// deleteProvisionedConfig answers DeleteProvisionedConcurrencyConfig. One that is not
// there is as good as deleted.
func deleteProvisionedConfig(c *call) error {
	n, _, err := c.provisionedFunction(lambda.NameToUpdate)
	if err != nil {
		return err
	}
	if err := c.Unprovision(c.ctx(), n.id, n.qualifier); err != nil {
		return err
	}
	c.noContent()
	return nil
}

type provisionedItem struct {
	FunctionArn string
	provisionedShape
}

type provisionedList struct {
	ProvisionedConcurrencyConfigs []provisionedItem
	NextMarker                    string `json:",omitempty"`
}

// listProvisionedConfigs answers ListProvisionedConcurrencyConfigs, by qualifier.
func listProvisionedConfigs(c *call) error {
	c.operation = "ListProvisionedConcurrencyConfigs"
	var v lambda.Violations
	page, err := c.page(&v)
	if err != nil {
		return err
	}
	id, err := c.wholeFunction(lambda.NameToRead, &v)
	if err != nil {
		return err
	}
	fn, err := c.stored(named{id: id}, errNotFound(named{id: id}))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, c.provisionedPage(&fn, page))
}

func (c *call) provisionedPage(fn *lambda.Function, p page) provisionedList {
	out := provisionedList{ProvisionedConcurrencyConfigs: []provisionedItem{}}
	last := p.after.version
	for _, qualifier := range slices.Sorted(maps.Keys(fn.Provisioned)) {
		if qualifier <= p.after.version {
			continue
		}
		if len(out.ProvisionedConcurrencyConfigs) == p.limit {
			out.NextMarker = place{fn.ID.Name, last}.marker()
			break
		}
		last = qualifier
		n := named{fn.ID, qualifier}
		out.ProvisionedConcurrencyConfigs = append(out.ProvisionedConcurrencyConfigs,
			provisionedItem{fn.ID.QualifiedARN(qualifier), c.describeProvisioned(n, fn.Provisioned[qualifier])})
	}
	return out
}
