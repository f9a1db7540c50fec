package lambdaapi

import (
	"net/http"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// addPermission answers AddPermission.
func addPermission(c *call) error {
	var in permissionRequest
	if err := c.readRequest(maxRequest, &in); err != nil {
		return err
	}
	var v lambda.Violations
	in.validate(&v)
	n, err := c.function(lambda.NameToUpdate, &v)
	if err != nil {
		return err
	}
	if err := checkPolicyQualifier(n); err != nil {
		return err
	}
	var added lambda.Statement
	err = c.amend(n.id, errNotFound(named{id: n.id}), func(fn *lambda.Function) (err error) {
		added, err = in.addTo(fn, n)
		return err
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, struct{ Statement string }{added.JSON})
}

// checkPolicyQualifier refuses $LATEST: the function itself has that policy.
func checkPolicyQualifier(n named) error {
	if n.qualifier == lambda.Latest {
		return invalid("We currently do not support adding policies for $LATEST.")
	}
	return nil
}

// addTo adds the statement to the policy of what n names. Nothing is changed unless
// everything holds.
func (in *permissionRequest) addTo(fn *lambda.Function, n named) (lambda.Statement, error) {
	policy, err := policyToChange(fn, n, or(in.RevisionId, ""))
	if err != nil {
		return lambda.Statement{}, err
	}
	if policy.find(*in.StatementId) >= 0 {
		return lambda.Statement{}, lambda.NewError(lambda.ErrResourceConflict, "The statement id (%s) provided already exists. "+
			"Please provide a new statement id, or remove the existing statement.", *in.StatementId)
	}
	added, err := in.statement(n)
	if err != nil {
		return lambda.Statement{}, err
	}
	policy.Statements = append(slices.Clip(policy.Statements), added)
	if size := len(policy.document()); size > lambda.MaxPolicy {
		return lambda.Statement{}, lambda.NewError(lambda.ErrPolicyLengthExceeded,
			"The final policy size (%d) is bigger than the limit (%d).", size, lambda.MaxPolicy)
	}
	policy.attach(fn, n.qualifier)
	return added, nil
}

// policyToChange returns the policy of what n names, if its revision is the one that the
// caller has seen; "" is any.
func policyToChange(fn *lambda.Function, n named, seen string) (resourcePolicy, error) {
	revision := revisionOf(fn, n.qualifier)
	if revision == nil {
		return resourcePolicy{}, errNothingNamed(n)
	}
	if seen != "" && seen != *revision {
		return resourcePolicy{}, lambda.NewError(lambda.ErrPreconditionFailed, "The Revision Id provided does not match the latest Revision Id. "+
			"Call the GetPolicy API to retrieve the latest Revision Id")
	}
	return resourcePolicy(fn.Policies[n.qualifier]), nil
}

type policyResponse struct{ Policy, RevisionId string }

// getPolicy answers GetPolicy.
func getPolicy(c *call) error {
	var v lambda.Violations
	n, err := c.function(lambda.NameToRead, &v)
	if err != nil {
		return err
	}
	fn, err := c.stored(n, errNoSuchResource())
	if err != nil {
		return err
	}
	policy := resourcePolicy(fn.Policies[n.qualifier])
	revision := revisionOf(&fn, n.qualifier)
	if revision == nil || len(policy.Statements) == 0 {
		return errNoSuchResource()
	}
	return c.answer(http.StatusOK, policyResponse{policy.document(), *revision})
}

// removePermission answers RemovePermission.
func removePermission(c *call) error {
	var v lambda.Violations
	id := c.labels["StatementId"]
	text(&v, "statementId", &id, maxStatementID, removeIDExact, removeIDPattern)
	n, err := c.function(lambda.NameToUpdate, &v)
	if err != nil {
		return err
	}
	if err := checkPolicyQualifier(n); err != nil {
		return err
	}
	missing := lambda.NewError(lambda.ErrResourceNotFound, "No policy found for: %s", n.id.QualifiedARN(n.qualifier))
	err = c.amend(n.id, missing, func(fn *lambda.Function) error {
		return removeStatement(fn, n, id, c.query.Get("RevisionId"))
	})
	if err != nil {
		return err
	}
	c.noContent()
	return nil
}

func removeStatement(fn *lambda.Function, n named, id, seen string) error {
	policy, err := policyToChange(fn, n, seen)
	if err != nil {
		return err
	}
	if len(policy.Statements) == 0 {
		return lambda.NewError(lambda.ErrResourceNotFound, "No policy is associated with the given resource.")
	}
	i := policy.find(id)
	if i < 0 {
		return lambda.NewError(lambda.ErrResourceNotFound, "Statement %s is not found in resource policy.", id)
	}
	policy.Statements = slices.Delete(slices.Clone(policy.Statements), i, i+1)
	policy.attach(fn, n.qualifier)
	return nil
}

// resourcePolicy is a policy as this resource shows it.
type resourcePolicy lambda.Policy

// find returns the index of a statement, -1 if there is none of this Sid.
func (p resourcePolicy) find(id string) int {
	return slices.IndexFunc(p.Statements, func(s lambda.Statement) bool { return s.ID == id })
}

// document is the whole policy as AWS writes it.
func (p resourcePolicy) document() string {
	all := make([]string, len(p.Statements))
	for i, s := range p.Statements {
		all[i] = s.JSON
	}
	return `{"Version":"2012-10-17","Id":"default","Statement":[` + strings.Join(all, ",") + `]}`
}

// attach makes p the policy of a qualifier, which has a new revision then. A policy
// without statements is none.
func (p resourcePolicy) attach(fn *lambda.Function, qualifier string) {
	*revisionOf(fn, qualifier) = newRevision()
	if len(p.Statements) == 0 {
		delete(fn.Policies, qualifier)
		return
	}
	if fn.Policies == nil {
		fn.Policies = map[string]lambda.Policy{}
	}
	fn.Policies[qualifier] = lambda.Policy(p)
}
