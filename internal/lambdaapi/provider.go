package lambdaapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// ProviderStore keeps capacity providers; store.Providers says how.
type ProviderStore interface {
	CreateProvider(ctx context.Context, p lambda.CapacityProvider) error
	Provider(ctx context.Context, id lambda.ProviderID) (lambda.CapacityProvider, error)
	UpdateProvider(ctx context.Context, id lambda.ProviderID, change func(*lambda.CapacityProvider) error) (lambda.CapacityProvider, error)
	DeleteProvider(ctx context.Context, id lambda.ProviderID) error
	Providers(ctx context.Context, account, region, after string, limit int) ([]lambda.CapacityProvider, error)
}

// providerShape is the shape CapacityProvider.
type providerShape struct {
	ARN     string `json:"CapacityProviderArn"`
	State   string `json:"State"`
	Network struct {
		Subnets        []string `json:"SubnetIds"`
		SecurityGroups []string `json:"SecurityGroupIds"`
	} `json:"VpcConfig"`
	Permissions struct {
		Role string `json:"CapacityProviderOperatorRoleArn"`
	} `json:"PermissionsConfig"`
	Requirements *architecturesShape `json:"InstanceRequirements,omitempty"`
	Scaling      struct {
		MaxCPUs int    `json:"MaxVCpuCount,omitempty"`
		Mode    string `json:"ScalingMode"`
	} `json:"CapacityProviderScalingConfig"`
	LastModified string `json:"LastModified"`
}

type architecturesShape struct {
	Architectures []string `json:"Architectures"`
}

type providerAnswer struct {
	CapacityProvider providerShape `json:"CapacityProvider"`
}

// States of a capacity provider: here it is never on its way to one.
const (
	providerActive   = "Active"
	providerDeleting = "Deleting"
)

func describeProvider(p *lambda.CapacityProvider, state string) providerShape {
	s := providerShape{ARN: p.ID.ARN(), State: state, LastModified: p.LastModified.UTC().Format(modifiedFormat)}
	s.Network.Subnets, s.Network.SecurityGroups = p.Subnets, append([]string{}, p.SecurityGroups...)
	s.Permissions.Role = p.OperatorRole
	s.Scaling.MaxCPUs, s.Scaling.Mode = p.MaxCPUs, p.ScalingMode
	if p.Architectures != nil {
		s.Requirements = &architecturesShape{p.Architectures}
	}
	return s
}

// createProvider answers CreateCapacityProvider.
func createProvider(c *call) error {
	var in createProviderRequest
	if err := c.readRequest(maxRequest, &in); err != nil {
		return err
	}
	var v lambda.Violations
	if in.validate(&v); v.Err() != nil {
		return v.Err()
	}
	id, err := c.providerNamed(*in.CapacityProviderName)
	if err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	p := in.provider(id)
	if err := c.checkProviderTags(p.Tags); err != nil {
		return err
	}
	err = c.Store.CreateProvider(c.ctx(), p)
	if errors.Is(err, store.ErrExists) {
		return lambda.NewError(lambda.ErrResourceConflict, "Capacity provider already exist: %s", id.Name)
	}
	if err != nil {
		return err
	}
	return c.answer(http.StatusAccepted, providerAnswer{describeProvider(&p, providerActive)})
}

// getProvider answers GetCapacityProvider.
func getProvider(c *call) error {
	id, err := c.provider()
	if err != nil {
		return err
	}
	p, err := c.storedProvider(id)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, providerAnswer{describeProvider(&p, providerActive)})
}

// updateProvider answers UpdateCapacityProvider.
func updateProvider(c *call) error {
	var in updateProviderRequest
	if err := c.readRequest(maxRequest, &in); err != nil {
		return err
	}
	var v lambda.Violations
	if in.validate(&v); v.Err() != nil {
		return v.Err()
	}
	id, err := c.provider()
	if err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	p, err := c.Store.UpdateProvider(c.ctx(), id, func(p *lambda.CapacityProvider) error {
		in.apply(p)
		p.LastModified = modifiedNow()
		return nil
	})
	if isMissing(err) {
		return errNoProvider(id)
	}
	if err != nil {
		return err
	}
	return c.answer(http.StatusAccepted, providerAnswer{describeProvider(&p, providerActive)})
}

// deleteProvider answers DeleteCapacityProvider. One that a function runs under stays.
func deleteProvider(c *call) error {
	id, err := c.provider()
	if err != nil {
		return err
	}
	c.providers.Lock()
	defer c.providers.Unlock()
	p, err := c.storedProvider(id)
	if err != nil {
		return err
	}
	users, err := c.users(id)
	if err != nil {
		return err
	}
	if len(users) > 0 {
		return lambda.NewError(lambda.ErrResourceConflict, "The capacity provider cannot be deleted: %s runs under it.", users[0].ARN())
	}
	if err := c.Store.DeleteProvider(c.ctx(), id); err != nil {
		return err
	}
	return c.answer(http.StatusAccepted, providerAnswer{describeProvider(&p, providerDeleting)})
}

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

// provider reads the label CapacityProviderName: a name or an ARN.
func (c *call) provider() (lambda.ProviderID, error) {
	var v lambda.Violations
	name := c.labels["CapacityProviderName"]
	if validateProviderName(&v, &name); v.Err() != nil {
		return lambda.ProviderID{}, v.Err()
	}
	return c.providerNamed(name)
}

func isProvider(arn string) bool { return strings.Contains(arn, ":capacity-provider:") }

// providerNamed reads a name or an ARN that fits its pattern. A provider of another account
// is nobody's to use, and one of another region is not here.
func (c *call) providerNamed(name string) (lambda.ProviderID, error) {
	id := lambda.ProviderID{Account: c.who.account, Region: c.who.region, Name: name}
	if !isProvider(name) {
		return id, nil
	}
	part := strings.Split(name, ":")
	id.Region, id.Account, id.Name = part[3], part[4], part[6]
	if id.Account != c.who.account {
		return id, c.who.refused(c.operation, id.ARN())
	}
	if id.Region != c.who.region {
		return id, errNoProvider(id)
	}
	return id, nil
}

func errNoProvider(id lambda.ProviderID) error {
	return lambda.NewError(lambda.ErrResourceNotFound, "Capacity provider not found: %s", id.ARN())
}

func (s *Server) lookUpProvider(ctx context.Context, id lambda.ProviderID) (lambda.CapacityProvider, error) {
	p, err := s.Store.Provider(ctx, id)
	if isMissing(err) {
		err = errNoProvider(id)
	}
	return p, err
}

func (c *call) storedProvider(id lambda.ProviderID) (lambda.CapacityProvider, error) {
	return c.lookUpProvider(c.ctx(), id)
}

// checkProviderTags holds the limits of tags, and that the settings among them can be had.
func (s *Server) checkProviderTags(tags map[string]string) error {
	if err := checkTags(tags); err != nil {
		return err
	}
	_, own, err := lambda.ParseProviderSettings(tags)
	if err != nil {
		return invalid("%s", err)
	}
	return s.checkTier(lambda.Settings{}, &lambda.Version{Capacity: &lambda.Capacity{Settings: own}})
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

// eachFunction shows all functions of the caller's account and region, some at a time.
func (c *call) eachFunction(show func(*lambda.Function)) error {
	for after := ""; ; {
		page, err := c.Store.Functions(c.ctx(), c.who.account, c.who.region, after, usagePage)
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
