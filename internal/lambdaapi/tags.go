package lambdaapi

import (
	"maps"
	"net/http"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// resourcePattern is the ARN of what can have tags, as AWS shows it in errors.
const resourcePattern = `arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:` +
	`(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|` +
	`event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`

var resourceExact = whole(resourcePattern)

// maxResource is the longest resource ARN that is looked at, in bytes.
const maxResource = 256

type tagRequest struct{ Tags map[string]*string }

type tagsResponse struct{ Tags map[string]string }

// listTags answers ListTags.
func listTags(c *call) error {
	r, err := c.tagged(&lambda.Violations{})
	if err != nil {
		return err
	}
	if r.provider != nil {
		return c.listProviderTags(*r.provider)
	}
	id := r.function
	fn, err := c.stored(named{id: id}, errNotFound(named{id: id}))
	if err != nil {
		return err
	}
	out := tagsResponse{Tags: map[string]string{}}
	maps.Copy(out.Tags, fn.Tags)
	return c.answer(http.StatusOK, out)
}

// tagResource answers TagResource.
func tagResource(c *call) error {
	var in tagRequest
	if err := c.readRequest(maxRequest, &in); err != nil {
		return err
	}
	var v lambda.Violations
	validateTags(&v, in.Tags)
	if in.Tags == nil {
		v.Missing("tags")
	}
	r, err := c.tagged(&v)
	if err != nil {
		return err
	}
	if len(in.Tags) == 0 {
		return invalid("An error occurred and the request cannot be processed.")
	}
	return c.retagAny(r, func(tags map[string]string) { maps.Copy(tags, values(in.Tags)) })
}

// untagResource answers UntagResource.
func untagResource(c *call) error {
	var v lambda.Violations
	keys := c.query["tagKeys"]
	if len(keys) == 0 {
		v.Missing("tagKeys")
	}
	r, err := c.tagged(&v)
	if err != nil {
		return err
	}
	return c.retagAny(r, func(tags map[string]string) {
		for _, key := range keys {
			delete(tags, key)
		}
	})
}

// validateTags reports what no map of tags may hold.
func validateTags(v *lambda.Violations, tags map[string]*string) {
	for _, key := range sortedKeys(tags) {
		if tags[key] == nil {
			v.Add("tags", "{"+key+"}", "Map value must satisfy constraint: [Member must not be null]")
		}
	}
}

// taggable is a resource that has tags.
type taggable struct {
	function lambda.FunctionID
	provider *lambda.ProviderID // it is this one, and no function
}

// tagged reads the ARN of the resource. Functions and capacity providers have tags here.
func (c *call) tagged(v *lambda.Violations) (taggable, error) {
	arn := c.labels["Resource"]
	if v.Length("resource", arn, 1, maxResource); len(arn) <= maxResource && !resourceExact.MatchString(arn) {
		v.Add("resource", arn, "Member must satisfy regular expression pattern: "+resourcePattern)
	}
	if err := v.Err(); err != nil {
		return taggable{}, err
	}
	if isProvider(arn) {
		id, err := c.providerNamed(arn)
		return taggable{provider: &id}, err
	}
	if err := errNoTags(arn); err != nil {
		return taggable{}, err
	}
	id, err := c.taggedFunction(arn, v)
	return taggable{function: id}, err
}

func (c *call) taggedFunction(arn string, v *lambda.Violations) (lambda.FunctionID, error) {
	ref := lambda.NameToUpdate.Parse(arn, v)
	if err := v.Err(); err != nil {
		return lambda.FunctionID{}, err
	}
	if ref.Qualifier != "" {
		return lambda.FunctionID{}, invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	id, err := ref.Resolve(c.who.account, c.who.region)
	if err != nil {
		return lambda.FunctionID{}, err
	}
	return id, c.who.mayUse(c.operation, id)
}

// errNoTags says of a resource other than a function that it is not there, in the words
// of its kind.
func errNoTags(arn string) error {
	kind := strings.SplitN(arn, ":", 7)[5] // the pattern has six colons before the name
	switch kind {
	case "function":
		return nil
	case "event-source-mapping":
		return lambda.NewError(lambda.ErrResourceNotFound, "Event source mapping not found: %s", arn)
	}
	return errNoSuchResource()
}

func (c *call) retagAny(r taggable, change func(map[string]string)) error {
	if r.provider != nil {
		return c.retagProvider(*r.provider, change)
	}
	return c.retag(r.function, change)
}

// retag changes the tags of a function. The outcome as a whole must be allowed: the
// number of tags, and the settings among them.
func (c *call) retag(id lambda.FunctionID, change func(map[string]string)) error {
	err := c.amend(id, errNotFound(named{id: id}), func(fn *lambda.Function) error {
		before := fn.Tags
		fn.Tags = maps.Clone(before)
		if fn.Tags == nil {
			fn.Tags = map[string]string{}
		}
		change(fn.Tags)
		if maps.Equal(before, fn.Tags) {
			return nil
		}
		return c.settleTags(fn, before)
	})
	if err != nil {
		return err
	}
	c.noContent()
	return nil
}

// settleTags checks changed tags and gives the function what comes of them.
func (c *call) settleTags(fn *lambda.Function, before map[string]string) error {
	if err := c.checkSettings(fn); err != nil {
		return err
	}
	if err := checkSnapStarted(fn); err != nil {
		return err
	}
	fn.Latest.RevisionID = newRevision()
	if c.sameSettings(before, fn.Tags) {
		return nil
	}
	regenerate(fn)
	return nil
}

// sameSettings reports whether tags mean the same for how an instance runs: not how long it
// is kept. What was stored by a Lambent with other rules is never the same.
func (c *call) sameSettings(before, after map[string]string) bool {
	was, err := lambda.ParseSettings(before)
	if err != nil {
		return false
	}
	is, err := lambda.ParseSettings(after)
	if err != nil {
		return false
	}
	for _, s := range []*lambda.Settings{&was, &is} {
		tier, err := c.rule(c.who.account).Isolation.Choose(*s, &lambda.Version{})
		if err != nil {
			return false
		}
		s.Settle(tier, c.DefaultNetwork)
		s.Keep, s.Untrusted = lambda.Keep{}, false
	}
	return was == is
}

// regenerate makes all versions new to the pools: instances of the old settings take no
// further request. No two states get the same generation: what serves in the stead of
// $LATEST must not be taken for it.
func regenerate(fn *lambda.Function) {
	var last uint64
	fn.Each(func(v *lambda.Version) {
		last = nextGeneration(max(last, v.Generation))
		v.Generation = last
	})
}
