package lambdaapi

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

type listLayersResponse struct {
	Layers     []layersItem `json:"Layers"`
	NextMarker string       `json:"NextMarker,omitempty"`
}

// layersItem is a layer with its newest version that fits.
type layersItem struct {
	LayerName             string    `json:"LayerName"`
	LayerARN              string    `json:"LayerArn"`
	LatestMatchingVersion layerItem `json:"LatestMatchingVersion"`
}

type listLayerVersionsResponse struct {
	LayerVersions []layerItem `json:"LayerVersions"`
	NextMarker    string      `json:"NextMarker,omitempty"`
}

// layerFilter is what a list of layers asks for.
type layerFilter struct {
	runtime, architecture string // "" = any
	after                 string // what the marker holds; "" = from the beginning
	limit                 int
}

// listable are the runtimes that a list can be asked for, as AWS names them. Source: a
// recorded answer of the service.
const listable = "[ruby3.5, ruby2.6, dotnetcore1.0, python3.7, nodejs8.10, nasa, ruby2.7, python2.7-greengrass, dotnetcore2.0, python3.8, java21, " +
	"dotnet6, dotnetcore2.1, python3.9, java11, nodejs6.10, provided, dotnetcore3.1, dotnet8, java25, java17, nodejs, nodejs4.3, java8.al2, go1.x, " +
	"dotnet10, nodejs20.x, go1.9, byol, nodejs10.x, provided.al2023, nodejs22.x, python3.10, java8, nodejs12.x, python3.11, nodejs24.x, nodejs8.x, " +
	"python3.12, nodejs14.x, nodejs8.9, nodejs26.x, python3.13, python3.14, nodejs16.x, python3.15, provided.al2, nodejs4.3-edge, nodejs18.x, ruby3.2, " +
	"python3.4, ruby3.3, ruby3.4, ruby2.5, python3.6, python2.7]"

// errEnough ends a walk through layers when a page is full.
var errEnough = errors.New("page is full")

// listLayers answers ListLayers, and GetLayerVersionByArn on the same path.
func listLayers(c *call) error {
	if c.query.Get("find") == "LayerVersion" {
		return getLayerVersionByARN(c)
	}
	f, err := c.layerFilter()
	if err != nil {
		return err
	}
	out := listLayersResponse{Layers: []layersItem{}}
	err = c.Store.Layers(c.ctx(), c.who.account, c.who.region, f.after, func(v lambda.LayerVersion) error {
		n := len(out.Layers)
		switch {
		case !f.fits(&v) || n > 0 && out.Layers[n-1].LayerName == v.ID.Name:
			return nil
		case n == f.limit:
			out.NextMarker = layerMarker(out.Layers[n-1].LayerName)
			return errEnough
		}
		out.Layers = append(out.Layers, layersItem{v.ID.Name, v.ID.ARN(), describeLayerItem(&v)})
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return c.answer(http.StatusOK, out)
}

// listLayerVersions answers ListLayerVersions.
func listLayerVersions(c *call) error {
	f, err := c.layerFilter()
	if err != nil {
		return err
	}
	id, err := c.layer(&lambda.Violations{})
	if err != nil {
		return err
	}
	below, err := f.below()
	if err != nil {
		return err
	}
	out := listLayerVersionsResponse{LayerVersions: []layerItem{}}
	err = c.Store.LayerVersions(c.ctx(), id, below, func(v lambda.LayerVersion) error {
		n := len(out.LayerVersions)
		switch {
		case !f.fits(&v):
			return nil
		case n == f.limit:
			out.NextMarker = layerMarker(strconv.FormatInt(out.LayerVersions[n-1].Version, 10))
			return errEnough
		}
		out.LayerVersions = append(out.LayerVersions, describeLayerItem(&v))
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return c.answer(http.StatusOK, out)
}

func (c *call) layerFilter() (f layerFilter, err error) {
	f = layerFilter{runtime: c.query.Get("CompatibleRuntime"), architecture: c.query.Get("CompatibleArchitecture"), limit: maxList}
	var v lambda.Violations
	if c.query.Has("CompatibleRuntime") && !slices.Contains(strings.Split(strings.Trim(listable, "[]"), ", "), f.runtime) {
		v.Add("compatibleRuntime", f.runtime, "Member must satisfy enum value set: "+listable)
	}
	if c.query.Has("CompatibleArchitecture") {
		v.OneOf("compatibleArchitecture", f.architecture, "x86_64", "arm64")
	}
	if s := c.query.Get("MaxItems"); s != "" {
		if f.limit, err = strconv.Atoi(s); err != nil {
			return f, lambda.NewError(lambda.ErrSerialization, "STRING_VALUE can not be converted to an Integer")
		}
		v.Range("maxItems", f.limit, 1, maxList)
	}
	if err := v.Err(); err != nil {
		return f, err
	}
	f.after, err = readLayerMarker(c.query.Get("Marker"))
	return f, err
}

// fits reports whether a layer version says that it is for what is asked.
func (f *layerFilter) fits(v *lambda.LayerVersion) bool {
	return (f.runtime == "" || slices.Contains(v.CompatibleRuntimes, f.runtime)) &&
		(f.architecture == "" || slices.Contains(v.CompatibleArchitectures, f.architecture))
}

// below is the version that the last page ended with.
func (f *layerFilter) below() (int64, error) {
	if f.after == "" {
		return 0, nil
	}
	number, err := strconv.ParseInt(f.after, 10, 64)
	if err != nil || number < 1 {
		return 0, errMarker()
	}
	return number, nil
}

// layerMarker is what a page ended with, as a client sees it: opaque.
func layerMarker(last string) string { return base64.RawURLEncoding.EncodeToString([]byte(last)) }

func readLayerMarker(s string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) > 256 || strings.ContainsRune(string(raw), 0) {
		return "", errMarker()
	}
	return string(raw), nil
}

func errMarker() error {
	return invalid("Invalid Marker: pass the NextMarker of the page before, unchanged.")
}
