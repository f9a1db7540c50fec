package lambdaapi

import (
	"net/http"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

type listProvidersResponse struct {
	CapacityProviders []providerShape `json:"CapacityProviders"`
	NextMarker        string          `json:"NextMarker,omitempty"`
}

// listProviders answers ListCapacityProviders.
func listProviders(c *call) error {
	var v lambda.Violations
	state := c.query.Get("State")
	if c.query.Has("State") {
		v.OneOf("state", state, "Pending", providerActive, "Failed", providerDeleting)
	}
	p, err := c.providerPage(&v)
	if err != nil {
		return err
	}
	found, err := c.Store.Providers(c.ctx(), c.who.account, c.who.region, p.after, p.limit+1)
	if err != nil {
		return err
	}
	out := listProvidersResponse{CapacityProviders: []providerShape{}}
	if state != "" && state != providerActive {
		return c.answer(http.StatusOK, out)
	}
	if len(found) > p.limit {
		out.NextMarker = layerMarker(found[p.limit-1].ID.Name)
	}
	for i := range found[:min(len(found), p.limit)] {
		out.CapacityProviders = append(out.CapacityProviders, describeProvider(&found[i], providerActive))
	}
	return c.answer(http.StatusOK, out)
}

// providerPage is the part of a list that is asked for.
type providerPage struct {
	after string
	limit int
}

func (c *call) providerPage(v *lambda.Violations) (p providerPage, err error) {
	p.limit = maxList
	if s := c.query.Get("MaxItems"); s != "" {
		if p.limit, err = atoi(s); err != nil {
			return p, err
		}
		v.Range("maxItems", p.limit, 1, maxList)
	}
	if err := v.Err(); err != nil {
		return p, err
	}
	p.after, err = readLayerMarker(c.query.Get("Marker"))
	return p, err
}

// uses reports whether a version of a function runs under a provider.
func uses(fn *lambda.Function, arn string) bool {
	found := false
	fn.Each(func(v *lambda.Version) { found = found || v.Capacity != nil && v.Capacity.ARN == arn })
	return found
}

// users are the functions that run under a provider.
func (c *call) users(id lambda.ProviderID) (found []lambda.FunctionID, err error) {
	err = c.eachFunction(func(fn *lambda.Function) {
		if uses(fn, id.ARN()) {
			found = append(found, fn.ID)
		}
	})
	return found, err
}

// functionsPage is how many functions are in memory at once while all are looked at.
const functionsPage = 100

// eachFunction shows all functions of the caller's account and region, some at a time.
func (c *call) eachFunction(show func(*lambda.Function)) error {
	for after := ""; ; {
		page, err := c.Store.Functions(c.ctx(), c.who.account, c.who.region, after, functionsPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			show(&page[i])
		}
		after = page[len(page)-1].ID.Name
	}
}

type providerVersionsResponse struct {
	ARN        string            `json:"CapacityProviderArn"`
	Versions   []providerVersion `json:"FunctionVersions"`
	NextMarker string            `json:"NextMarker,omitempty"`
}

type providerVersion struct {
	ARN   string `json:"FunctionArn"`
	State string `json:"State"`
}

// listProviderVersions answers ListFunctionVersionsByCapacityProvider.
func listProviderVersions(c *call) error {
	id, err := c.provider()
	if err != nil {
		return err
	}
	p, err := c.providerPage(&lambda.Violations{})
	if err != nil {
		return err
	}
	if _, err := c.storedProvider(id); err != nil {
		return err
	}
	all, err := c.versionsUnder(id)
	if err != nil {
		return err
	}
	out := providerVersionsResponse{ARN: id.ARN(), Versions: []providerVersion{}}
	begin, _ := slices.BinarySearchFunc(all, p.after+"\x00", func(v providerVersion, after string) int { return strings.Compare(v.ARN, after) })
	out.Versions = append(out.Versions, all[begin:min(len(all), begin+p.limit)]...)
	if begin+p.limit < len(all) {
		out.NextMarker = layerMarker(all[begin+p.limit-1].ARN)
	}
	return c.answer(http.StatusOK, out)
}

// versionsUnder lists what runs under a provider, by ARN.
func (c *call) versionsUnder(id lambda.ProviderID) (all []providerVersion, err error) {
	err = c.eachFunction(func(fn *lambda.Function) {
		for _, v := range append([]lambda.Version{fn.Latest}, fn.Published...) {
			if v.Capacity != nil && v.Capacity.ARN == id.ARN() {
				all = append(all, providerVersion{fn.ID.QualifiedARN(v.Version), v.State})
			}
		}
	})
	slices.SortFunc(all, func(a, b providerVersion) int { return strings.Compare(a.ARN, b.ARN) })
	return all, err
}
