package lambdaapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// LayerStore keeps layers; store.Layers says how.
type LayerStore interface {
	PublishLayer(ctx context.Context, v lambda.LayerVersion) (int64, error)
	LayerVersion(ctx context.Context, id lambda.LayerID, version int64) (lambda.LayerVersion, error)
	LayerVersions(ctx context.Context, id lambda.LayerID, below int64, yield func(lambda.LayerVersion) error) error
	Layers(ctx context.Context, account, region, after string, yield func(lambda.LayerVersion) error) error
	DeleteLayer(ctx context.Context, id lambda.LayerID, version int64) (bool, error)
}

// layerVersion is the answer of PublishLayerVersion and of the two that read one.
type layerVersion struct {
	Content layerContent `json:"Content"`
	layerItem
	LayerARN string `json:"LayerArn"`
}

type layerContent struct {
	Location   string `json:"Location"`
	CodeSHA256 string `json:"CodeSha256"`
	CodeSize   int64  `json:"CodeSize"`
}

// layerItem is the shape LayerVersionsListItem.
type layerItem struct {
	LayerVersionARN         string   `json:"LayerVersionArn"`
	Version                 int64    `json:"Version"`
	Description             string   `json:"Description"`
	CreatedDate             string   `json:"CreatedDate"`
	CompatibleArchitectures []string `json:"CompatibleArchitectures"`
	CompatibleRuntimes      []string `json:"CompatibleRuntimes"`
	LicenseInfo             string   `json:"LicenseInfo,omitempty"`
}

func describeLayerItem(v *lambda.LayerVersion) layerItem {
	return layerItem{
		LayerVersionARN: v.ID.VersionARN(v.Version), Version: v.Version, Description: v.Description,
		CreatedDate:             v.Created.UTC().Format(modifiedFormat),
		CompatibleArchitectures: orEmpty(v.CompatibleArchitectures), CompatibleRuntimes: orEmpty(v.CompatibleRuntimes),
		LicenseInfo: v.LicenseInfo,
	}
}

// orEmpty makes a list that is written as [] and not as null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (c *call) describeLayer(v *lambda.LayerVersion) layerVersion {
	return layerVersion{
		Content:   layerContent{Location: c.link(v.Code.Digest), CodeSHA256: v.Code.SHA256, CodeSize: v.Code.Size},
		layerItem: describeLayerItem(v), LayerARN: v.ID.ARN(),
	}
}

// getLayerVersion answers GetLayerVersion.
func getLayerVersion(c *call) error {
	id, number, err := c.layerVersion()
	if err != nil {
		return err
	}
	return c.answerLayer(id, number)
}

// getLayerVersionByARN answers GetLayerVersionByArn, which has the path of ListLayers.
func getLayerVersionByARN(c *call) error {
	c.operation = "GetLayerVersionByArn"
	var v lambda.Violations
	if !c.query.Has("Arn") {
		v.Missing("arn")
		return v.Err()
	}
	id, number := lambda.ParseLayerVersionARN(c.query.Get("Arn"), &v)
	if err := v.Err(); err != nil {
		return err
	}
	if id != (lambda.LayerID{}) && id.Account != c.who.account {
		return c.errForeignLayer(id.VersionARN(number), c.operation)
	}
	return c.answerLayer(id, number)
}

func (c *call) answerLayer(id lambda.LayerID, number int64) error {
	found, err := c.Store.LayerVersion(c.ctx(), id, number)
	if errors.Is(err, store.ErrNotFound) {
		return lambda.NewError(lambda.ErrResourceNotFound, "The resource you requested does not exist.")
	}
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, c.describeLayer(&found))
}

// deleteLayerVersion answers DeleteLayerVersion. What is not there is as good as deleted;
// functions that use the version keep it.
func deleteLayerVersion(c *call) error {
	id, number, err := c.layerVersion()
	if err != nil {
		return err
	}
	if _, err := c.Store.DeleteLayer(c.ctx(), id, number); err != nil {
		return err
	}
	c.noContent()
	return nil
}

// layerVersion reads the labels of a path that names a layer version.
func (c *call) layerVersion() (lambda.LayerID, int64, error) {
	number, err := strconv.ParseInt(c.labels["VersionNumber"], 10, 64)
	if err != nil {
		return lambda.LayerID{}, 0, lambda.NewError(lambda.ErrSerialization, "STRING_VALUE can not be converted to a Long")
	}
	var v lambda.Violations
	id, err := c.layer(&v)
	if err == nil && number < 1 {
		err = invalid("Layer Version Cannot be less than 1")
	}
	return id, number, err
}

// layer reads the LayerName label, a name or an ARN, and fails for all that v holds.
func (c *call) layer(v *lambda.Violations) (lambda.LayerID, error) {
	id := lambda.ParseLayerName(c.labels["LayerName"], v)
	if err := v.Err(); err != nil {
		return id, err
	}
	if id.Account == "" {
		id.Account, id.Region = c.who.account, c.who.region
	}
	if id.Account != c.who.account {
		return id, c.errForeignLayer(id.ARN(), c.operation)
	}
	if id.Region != c.who.region {
		return id, invalid("Layers from '%s' are not reachable in this region ('%s')", id.Region, c.who.region)
	}
	return id, nil
}
