package lambdaapi

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"lambent.dev/lambent/internal/lambda"
)

// publishVersionRequest is the body of PublishVersion.
type publishVersionRequest struct {
	CodeSha256  *string
	Description *string
	RevisionId  *string
	PublishTo   *string
}

// publishVersion answers PublishVersion.
func publishVersion(c *call) error {
	var in publishVersionRequest
	if err := c.readRequest(maxRequest, &in); err != nil {
		return err
	}
	var v lambda.Violations
	if in.Description != nil {
		v.Length("description", *in.Description, 0, 256)
	}
	n, err := c.whole(&v)
	if err != nil {
		return err
	}
	var shown configuration
	fn, err := c.updateCode(n, func(fn *lambda.Function) error {
		if err := in.check(fn); err != nil {
			return err
		}
		v := publish(fn, in.Description)
		shown = describe(fn.ID, v, v.Version)
		return nil
	})
	if err != nil {
		return err
	}
	if unsettled(&fn) { // with SnapStart
		c.activations.add(fn.ID)
	}
	return c.answer(http.StatusCreated, shown)
}

func (in *publishVersionRequest) check(fn *lambda.Function) error {
	if set(in.PublishTo) {
		return errUnsupported([]string{"PublishTo"})
	}
	if err := updatable(fn, in.RevisionId); err != nil {
		return err
	}
	if set(in.CodeSha256) && *in.CodeSha256 != fn.Latest.Code.SHA256 {
		return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.",
			shorten(*in.CodeSha256), fn.Latest.Code.SHA256)
	}
	if fn.Latest.LastUpdateStatus == "Failed" {
		return lambda.NewError(lambda.ErrResourceConflict,
			"The operation cannot be performed at this time. The last update of the function failed: update it again.")
	}
	return nil
}

// publish makes a version of $LATEST and returns it: the last one again if $LATEST has
// not changed since. A number is never used twice. What is published of a $LATEST that
// is not ready waits with it, and with SnapStart it waits until it is initialised.
func publish(fn *lambda.Function, description *string) *lambda.Version {
	content := fn.Latest.Content()
	last := fn.HighestVersion()
	if v := fn.Find(strconv.Itoa(last)); v != nil && v.PublishedFrom == content {
		return v
	}
	v := fn.Latest
	fn.LastVersion = last + 1
	v.Version, v.RevisionID, v.PublishedFrom = strconv.Itoa(fn.LastVersion), uuid.NewString(), content
	v.Description = or(description, v.Description)
	if v.LastUpdateStatus == "InProgress" || v.SnapStarts() {
		v.State, v.StateReason, v.StateReasonCode = "Pending", creating, creatingCode
		v.LastUpdateStatus, v.LastUpdateStatusReason, v.LastUpdateStatusReasonCode = "", "", ""
	}
	fn.Published = append(fn.Published, v)
	return &fn.Published[len(fn.Published)-1]
}

type listVersionsResponse struct {
	NextMarker string          `json:"NextMarker,omitempty"`
	Versions   []configuration `json:"Versions"`
}

// listVersions answers ListVersionsByFunction: $LATEST, then the numbers, ascending.
func listVersions(c *call) error {
	var v lambda.Violations
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
	entries := entriesAfter(&fn, page.after.version)
	out := listVersionsResponse{Versions: []configuration{}}
	for i, e := range entries {
		if i == page.limit {
			out.NextMarker = entries[i-1].place().marker()
			break
		}
		out.Versions = append(out.Versions, c.listed(e, true))
	}
	return c.answer(http.StatusOK, out)
}
