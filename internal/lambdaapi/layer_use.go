package lambdaapi

import (
	"errors"
	"strings"

	"lambent.dev/lambent/internal/code"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// usedLayer is the shape Layer: a layer version as a function shows it.
type usedLayer struct {
	ARN      string `json:"Arn"`
	CodeSize int64  `json:"CodeSize"`
}

func describeLayers(v *lambda.Version) []usedLayer {
	var out []usedLayer
	for _, layer := range v.Layers {
		out = append(out, usedLayer{layer.ARN, layer.Size})
	}
	return out
}

// layerRefs reads the layers that a request names for a function of a region, in their
// order. Their ARNs have passed lambda.CheckLayerARNs; checkUnzipped is still to come.
func (c *call) layerRefs(arns []string, region string) ([]lambda.LayerRef, error) {
	if len(arns) > lambda.MaxLayers {
		return nil, invalid("Cannot reference more than %d layers.", lambda.MaxLayers)
	}
	var refs []lambda.LayerRef
	seen := map[lambda.LayerID]string{}
	for _, arn := range arns {
		found, err := c.findLayer(arn, region)
		if err != nil {
			return nil, err
		}
		if other, twice := seen[found.ID]; twice {
			return nil, invalid("Two different versions of the same layer are not allowed to be referenced in the same function. "+
				"%s and %s are versions of the same layer.", other, arn)
		}
		seen[found.ID] = arn
		refs = append(refs, found.Ref())
	}
	return refs, nil
}

// findLayer reads a layer version that a function in a region is to use.
func (c *call) findLayer(arn, region string) (lambda.LayerVersion, error) {
	id, number := lambda.ParseLayerVersionARN(arn, &lambda.Violations{})
	switch {
	case id == lambda.LayerID{}:
		return lambda.LayerVersion{}, invalid("Layer version %s does not exist.", arn)
	case id.Account != c.who.account:
		return lambda.LayerVersion{}, c.errForeignLayer(id.VersionARN(number), "GetLayerVersion")
	case id.Region != region:
		return lambda.LayerVersion{}, invalid("Layers are not in the same region as the function. Layers are expected to be in region %s.", region)
	}
	found, err := c.Store.LayerVersion(c.ctx(), id, number)
	if errors.Is(err, store.ErrNotFound) {
		return found, invalid("Layer version %s does not exist.", arn)
	}
	return found, err
}

func (c *call) errForeignLayer(arn, operation string) error {
	return lambda.NewError(lambda.ErrAccessDenied,
		"User: %s is not authorized to perform: lambda:%s on resource: %s because no resource-based policy allows the lambda:%s action",
		c.who.arn(), operation, arn, operation)
}

// checkUnzipped bounds code and layers of a version together, unpacked.
func (c *call) checkUnzipped(v *lambda.Version) error {
	if len(v.Layers) == 0 {
		return nil // the code alone was checked when it came
	}
	layers, err := c.unzipped(v.LayerDigests()...)
	if err != nil {
		return err
	}
	if layers > lambda.MaxUnzipped {
		return invalid("Layers consume more than the available size of %d bytes", lambda.MaxUnzipped)
	}
	own, err := c.unzipped(v.Code.Digest)
	if err != nil {
		return err
	}
	if total := own + layers; total > lambda.MaxUnzipped {
		return invalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.",
			lambda.MaxUnzipped, total)
	}
	return nil
}

func (c *call) unzipped(digests ...string) (total int64, err error) {
	for _, digest := range digests {
		n, err := c.unzippedOne(digest)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func (c *call) unzippedOne(digest string) (int64, error) {
	stored, err := c.Blobs.Open(c.ctx(), digest)
	if err != nil {
		return 0, err
	}
	defer func() { _ = stored.Close() }() // read only
	return code.Unzipped(stored, stored.Size())
}

// shownList writes a list as AWS shows it.
func shownList(list []string) string { return "[" + strings.Join(list, ", ") + "]" }
