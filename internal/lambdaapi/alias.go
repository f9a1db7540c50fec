package lambdaapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lambent.dev/lambent/internal/lambda"
)

// aliasConfiguration is the shape AliasConfiguration.
type aliasConfiguration struct {
	AliasARN        string        `json:"AliasArn"`
	Name            string        `json:"Name"`
	FunctionVersion string        `json:"FunctionVersion"`
	Description     string        `json:"Description"`
	RoutingConfig   *aliasRouting `json:"RoutingConfig,omitempty"`
	RevisionID      string        `json:"RevisionId"`
}

type aliasRouting struct {
	Weights map[string]float64 `json:"AdditionalVersionWeights"`
}

func describeAlias(id lambda.FunctionID, a *lambda.Alias) aliasConfiguration {
	out := aliasConfiguration{
		AliasARN: id.QualifiedARN(a.Name), Name: a.Name, FunctionVersion: a.Version,
		Description: a.Description, RevisionID: a.RevisionID,
	}
	if len(a.Weights) > 0 {
		out.RoutingConfig = &aliasRouting{a.Weights}
	}
	return out
}

// createAlias answers CreateAlias.
func createAlias(c *call) error {
	var in createAliasRequest
	if err := c.readRequest(maxRequest, &in); err != nil {
		return err
	}
	var v lambda.Violations
	in.validate(&v)
	n, err := c.whole(&v)
	if err != nil {
		return err
	}
	next := lambda.Alias{Name: *in.Name}
	in.apply(&next)
	fn, err := c.change(c.ctx(), n.id, func(fn *lambda.Function) error { return addAlias(fn, next) })
	if isMissing(err) {
		return errNotFound(named{n.id, next.Version})
	}
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, describeAlias(fn.ID, fn.Alias(next.Name)))
}

func addAlias(fn *lambda.Function, next lambda.Alias) error {
	if err := checkTarget(fn, next.Version); err != nil {
		return err
	}
	at, taken := slices.BinarySearchFunc(fn.Aliases, next.Name, byName)
	if taken {
		return lambda.NewError(lambda.ErrResourceConflict, "Alias already exists: %s", fn.ID.QualifiedARN(next.Name))
	}
	if err := checkWeights(fn, &next); err != nil {
		return err
	}
	next.RevisionID = uuid.NewString()
	fn.Aliases = slices.Insert(fn.Aliases, at, next)
	return nil
}

func byName(a lambda.Alias, name string) int { return strings.Compare(a.Name, name) }

// getAlias answers GetAlias.
func getAlias(c *call) error {
	n, err := c.alias(new(lambda.Violations))
	if err != nil {
		return err
	}
	fn, err := c.read(c.ctx(), n.id)
	if isMissing(err) {
		return errNotFound(named{id: n.id})
	}
	if err != nil {
		return err
	}
	a := fn.Alias(n.qualifier)
	if a == nil {
		return lambda.NewError(lambda.ErrResourceNotFound, "Cannot find alias arn: %s", n.id.QualifiedARN(n.qualifier))
	}
	return c.answer(http.StatusOK, describeAlias(fn.ID, a))
}

// updateAlias answers UpdateAlias.
func updateAlias(c *call) error {
	var in updateAliasRequest
	if err := c.readRequest(maxRequest, &in); err != nil {
		return err
	}
	var v lambda.Violations
	in.validate(&v)
	n, err := c.alias(&v)
	if err != nil {
		return err
	}
	fn, err := c.update(named{id: n.id}, func(fn *lambda.Function) error { return in.move(fn, n.qualifier) })
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, describeAlias(fn.ID, fn.Alias(n.qualifier)))
}

func (in *updateAliasRequest) move(fn *lambda.Function, name string) error {
	a := fn.Alias(name)
	if a == nil {
		return lambda.NewError(lambda.ErrResourceNotFound, "Alias not found: %s", fn.ID.QualifiedARN(name))
	}
	if err := sameRevision(in.RevisionId, a.RevisionID); err != nil {
		return err
	}
	in.apply(a)
	if err := checkTarget(fn, a.Version); err != nil {
		return err
	}
	a.RevisionID = uuid.NewString()
	if err := checkWeights(fn, a); err != nil {
		return err
	}
	if _, ok := fn.Provisioned[name]; ok {
		return checkProvisionedAlias(fn, a)
	}
	return nil
}

// deleteAlias answers DeleteAlias. One that is not there is as good as deleted.
func deleteAlias(c *call) error {
	n, err := c.alias(new(lambda.Violations))
	if err != nil {
		return err
	}
	_, err = c.update(named{id: n.id}, func(fn *lambda.Function) error {
		if fn.Alias(n.qualifier) == nil {
			return nil
		}
		fn.Aliases = slices.DeleteFunc(fn.Aliases, func(a lambda.Alias) bool { return a.Name == n.qualifier })
		detach(fn, n.qualifier)
		return nil
	})
	if err != nil {
		return err
	}
	c.noContent()
	return nil
}

type listAliasesResponse struct {
	NextMarker string               `json:"NextMarker,omitempty"`
	Aliases    []aliasConfiguration `json:"Aliases"`
}

// listAliases answers ListAliases: all, or those whose invocations may run one version.
func listAliases(c *call) error {
	var v lambda.Violations
	version := c.query.Get("FunctionVersion")
	if version != "" {
		text(&v, "functionVersion", &version, 1024, targetExact, targetPattern)
	}
	page, err := c.page(&v)
	if err != nil {
		return err
	}
	n, err := c.whole(&v)
	if err != nil {
		return err
	}
	fn, err := c.read(c.ctx(), n.id)
	if isMissing(err) {
		return errNotFound(n)
	}
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, aliasPage(&fn, version, page))
}

func aliasPage(fn *lambda.Function, version string, p page) listAliasesResponse {
	out := listAliasesResponse{Aliases: []aliasConfiguration{}}
	for i := range fn.Aliases {
		a := &fn.Aliases[i]
		if a.Name <= p.after.version || version != "" && !a.Routes(version) {
			continue
		}
		if len(out.Aliases) == p.limit {
			out.NextMarker = place{fn.ID.Name, out.Aliases[p.limit-1].Name}.marker()
			break
		}
		out.Aliases = append(out.Aliases, describeAlias(fn.ID, a))
	}
	return out
}

// alias reads the path of an operation on one alias: its function, with the alias as
// the qualifier.
func (c *call) alias(v *lambda.Violations) (named, error) {
	name := c.labels["Name"]
	validateAliasName(v, &name)
	n, err := c.whole(v)
	return named{n.id, name}, err
}
