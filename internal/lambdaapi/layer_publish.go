package lambdaapi

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimes"
)

// publishLayerRequest is the body of PublishLayerVersion.
type publishLayerRequest struct {
	Content                 *packageSource
	Description             *string
	LicenseInfo             *string
	CompatibleRuntimes      []string
	CompatibleArchitectures []string
}

// publishLayerVersion answers PublishLayerVersion.
func publishLayerVersion(c *call) error {
	release, err := c.admitUpload()
	if err != nil {
		return err
	}
	defer release()
	var in publishLayerRequest
	if err := c.readRequest(lambda.MaxCreateBody, &in); err != nil {
		return err
	}
	version, err := c.newLayerVersion(&in)
	if err != nil {
		return err
	}
	if err := c.keepLayer(&version, in.Content); err != nil {
		return err
	}
	return c.answer(http.StatusCreated, c.describeLayer(&version))
}

// keepLayer stores code and version, and gives it its number.
func (c *call) keepLayer(v *lambda.LayerVersion, content *packageSource) (err error) {
	if err := c.admitCode(v.ID.Account, int64(len(content.ZipFile))); err != nil {
		return err
	}
	if v.Code, err = c.storeSource(content); err != nil {
		return err
	}
	return c.storing(v.ID.Account, func(left int64) (err error) {
		if err := fits(v.Code.Size, left); err != nil {
			return err
		}
		v.Version, err = c.Store.PublishLayer(c.ctx(), *v)
		return err
	})
}

// newLayerVersion checks the request and makes the version of it, still without code.
func (c *call) newLayerVersion(in *publishLayerRequest) (lambda.LayerVersion, error) {
	var v lambda.Violations
	in.validate(&v)
	id, err := c.layer(&v)
	if err != nil {
		return lambda.LayerVersion{}, err
	}
	if or(in.Content.S3ObjectStorageMode, storageCopy) != storageCopy {
		return lambda.LayerVersion{}, invalid("Lambent does not support this yet: Content.S3ObjectStorageMode. Leave it out to publish the layer.")
	}
	return lambda.LayerVersion{
		ID: id, Description: or(in.Description, ""), LicenseInfo: or(in.LicenseInfo, ""),
		CompatibleRuntimes: in.CompatibleRuntimes, CompatibleArchitectures: in.CompatibleArchitectures,
		Created: time.Now().UTC().Truncate(time.Millisecond),
	}, c.checkSource(in.Content)
}

func (in *publishLayerRequest) validate(v *lambda.Violations) {
	if in.Content == nil {
		v.Missing("content")
	}
	in.Content.validate(v, "content.")
	if in.Description != nil {
		v.Length("description", *in.Description, 0, 256)
	}
	if in.LicenseInfo != nil {
		v.Length("licenseInfo", *in.LicenseInfo, 0, 512)
	}
	in.validateRuntimes(v)
	in.validateArchitectures(v)
}

// maxLayerRuntimes is the most runtimes that a layer can name. Source: AWS Lambda API
// reference, PublishLayerVersion.
const maxLayerRuntimes = 15

func (in *publishLayerRequest) validateRuntimes(v *lambda.Violations) {
	shown := shownList(in.CompatibleRuntimes)
	if len(in.CompatibleRuntimes) > maxLayerRuntimes {
		v.Add("compatibleRuntimes", shown, "Member must have length less than or equal to 15")
		return
	}
	if slices.ContainsFunc(in.CompatibleRuntimes, func(runtime string) bool { return !runtimes.Known(runtime) && !isOffered(runtime) }) {
		v.Add("compatibleRuntimes", shown, "Member must satisfy enum value set: "+offered)
	}
}

func isOffered(runtime string) bool {
	return slices.Contains(strings.Split(strings.Trim(offered, "[]"), ", "), runtime)
}

func (in *publishLayerRequest) validateArchitectures(v *lambda.Violations) {
	shown := shownList(in.CompatibleArchitectures)
	if len(in.CompatibleArchitectures) > 2 {
		v.Add("compatibleArchitectures", shown, "Member must have length less than or equal to 2")
		return
	}
	if slices.ContainsFunc(in.CompatibleArchitectures, func(a string) bool { return a != "x86_64" && a != "arm64" }) {
		v.Add("compatibleArchitectures", shown, "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]")
	}
}
