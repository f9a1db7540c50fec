package lambdaapi

import (
	"maps"
	"net/http"

	"lambent.dev/lambent/internal/lambda"
)

// readProviders keeps capacity providers from being changed until the function that is placed
// under one is stored. It returns what ends that.
func (s *Server) readProviders(asked *capacityConfigRequest) (release func()) {
	if asked == nil {
		return func() {}
	}
	s.providers.RLock()
	return s.providers.RUnlock
}

func (c *call) listProviderTags(id lambda.ProviderID) error {
	p, err := c.storedProvider(id)
	if err != nil {
		return err
	}
	out := tagsResponse{Tags: map[string]string{}}
	maps.Copy(out.Tags, p.Tags)
	return c.answer(http.StatusOK, out)
}

// retagProvider changes the tags of a capacity provider. When it answers, all that runs under
// the provider has the new settings. One that was stopped halfway is ended by sending it
// again.
func (c *call) retagProvider(id lambda.ProviderID, change func(map[string]string)) error {
	c.providers.Lock()
	defer c.providers.Unlock()
	p, err := c.storedProvider(id)
	if err != nil {
		return err
	}
	tags := map[string]string{}
	maps.Copy(tags, p.Tags)
	change(tags)
	if err := c.replaceTags(id, tags); err != nil {
		return err
	}
	c.noContent()
	return nil
}

// replaceTags gives a provider tags, and what runs under it what they set. Preconditions:
// Server.providers is held for writing.
func (c *call) replaceTags(id lambda.ProviderID, tags map[string]string) error {
	_, settings, err := lambda.ParseProviderSettings(tags)
	if err != nil {
		return invalid("%s", err)
	}
	users, err := c.users(id)
	if err != nil {
		return err
	}
	if err := c.checkRetag(id, users, tags, settings); err != nil {
		return err
	}
	if _, err := c.Store.UpdateProvider(c.ctx(), id, func(p *lambda.CapacityProvider) error {
		p.Tags, p.LastModified = tags, modifiedNow()
		return nil
	}); err != nil {
		return err
	}
	for _, user := range users {
		if err := c.settle(user, id.ARN(), settings); err != nil {
			return err
		}
	}
	return nil
}

// checkRetag holds that the provider may have the tags, and that what runs under it may go on.
func (c *call) checkRetag(id lambda.ProviderID, users []lambda.FunctionID, tags, settings map[string]string) error {
	if err := c.checkProviderTags(tags); err != nil {
		return err
	}
	for _, user := range users {
		fn, err := c.Store.Function(c.ctx(), user)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return err
		}
		resettle(&fn, id.ARN(), settings)
		if err := c.checkSettings(&fn); err != nil {
			return err
		}
	}
	return nil
}

// settle gives a function the settings of its provider.
func (c *call) settle(user lambda.FunctionID, arn string, settings map[string]string) error {
	_, err := c.change(c.ctx(), user, func(fn *lambda.Function) error {
		if resettle(fn, arn, settings) {
			regenerate(fn)
		}
		return nil
	})
	if isMissing(err) {
		return nil // it was deleted meanwhile
	}
	return err
}

// resettle reports whether it changed anything.
func resettle(fn *lambda.Function, arn string, settings map[string]string) (changed bool) {
	fn.Each(func(v *lambda.Version) {
		if v.Capacity == nil || v.Capacity.ARN != arn || maps.Equal(v.Capacity.Settings, settings) {
			return
		}
		own := *v.Capacity
		own.Settings = settings
		v.Capacity, changed = &own, true
	})
	return changed
}
