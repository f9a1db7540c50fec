package lambdaapi

import (
	"context"
	"errors"
	"net/http"
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
	p, err := c.newProvider(&in)
	if err != nil {
		return err
	}
	err = c.Store.CreateProvider(c.ctx(), p)
	if errors.Is(err, store.ErrExists) {
		return lambda.NewError(lambda.ErrResourceConflict, "Capacity provider already exist: %s", p.ID.Name)
	}
	if err != nil {
		return err
	}
	return c.answer(http.StatusAccepted, providerAnswer{describeProvider(&p, providerActive)})
}

// newProvider checks the request and makes the provider of it.
func (c *call) newProvider(in *createProviderRequest) (p lambda.CapacityProvider, err error) {
	var v lambda.Violations
	in.validate(&v)
	if err := v.Err(); err != nil {
		return p, err
	}
	id, err := c.providerNamed(*in.CapacityProviderName)
	if err != nil {
		return p, err
	}
	if err := in.check(); err != nil {
		return p, err
	}
	p = in.provider(id)
	return p, c.checkProviderTags(p.Tags)
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
	id, err := c.providerToUpdate(&in)
	if err != nil {
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

// providerToUpdate checks the request, and names what it is about.
func (c *call) providerToUpdate(in *updateProviderRequest) (lambda.ProviderID, error) {
	var v lambda.Violations
	in.validate(&v)
	if err := v.Err(); err != nil {
		return lambda.ProviderID{}, err
	}
	id, err := c.provider()
	if err != nil {
		return id, err
	}
	return id, in.check()
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

// provider reads the label CapacityProviderName: a name or an ARN.
func (c *call) provider() (lambda.ProviderID, error) {
	var v lambda.Violations
	name := c.labels["CapacityProviderName"]
	validateProviderName(&v, &name)
	if err := v.Err(); err != nil {
		return lambda.ProviderID{}, err
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
func (c *call) checkProviderTags(tags map[string]string) error {
	if err := checkTags(tags); err != nil {
		return err
	}
	_, own, err := lambda.ParseProviderSettings(tags)
	if err != nil {
		return invalid("%s", err)
	}
	return c.checkVersion(c.who.account, lambda.Settings{}, &lambda.Version{Capacity: &lambda.Capacity{Settings: own}})
}
