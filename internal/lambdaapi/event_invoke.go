package lambdaapi

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// eventInvokeShape is the shape FunctionEventInvokeConfig.
type eventInvokeShape struct {
	LastModified             float64 // seconds since 1970
	FunctionArn              string
	MaximumRetryAttempts     *int `json:",omitempty"`
	MaximumEventAgeInSeconds *int `json:",omitempty"`
	DestinationConfig        destinationsShape
}

type destinationsShape struct{ OnSuccess, OnFailure destinationShape }

type destinationShape struct {
	Destination string `json:",omitempty"`
}

func describeEventInvoke(n named, e lambda.EventInvokeConfig) eventInvokeShape {
	return eventInvokeShape{
		LastModified: float64(e.LastModified.UnixMilli()) / 1000,
		FunctionArn:  n.id.QualifiedARN(n.qualifier), MaximumRetryAttempts: e.MaximumRetryAttempts, MaximumEventAgeInSeconds: e.MaximumEventAge,
		DestinationConfig: destinationsShape{destinationShape{e.OnSuccess}, destinationShape{e.OnFailure}},
	}
}

// putEventInvokeConfig answers PutFunctionEventInvokeConfig: what is left out goes back
// to its default.
func putEventInvokeConfig(c *call) error {
	return c.changeEventInvoke(func(*lambda.Function, named) (lambda.EventInvokeConfig, error) {
		return lambda.EventInvokeConfig{}, nil
	})
}

// updateEventInvokeConfig answers UpdateFunctionEventInvokeConfig: what is left out stays.
func updateEventInvokeConfig(c *call) error {
	return c.changeEventInvoke(func(fn *lambda.Function, n named) (lambda.EventInvokeConfig, error) {
		was, ok := fn.EventInvoke[n.qualifier]
		if !ok {
			return was, errNoEventInvoke(n)
		}
		return was, nil
	})
}

// changeEventInvoke writes a configuration that begins as from says.
func (c *call) changeEventInvoke(from func(*lambda.Function, named) (lambda.EventInvokeConfig, error)) error {
	var in eventInvokeRequest
	if err := c.readRequest(maxRequest, &in); err != nil {
		return err
	}
	var v lambda.Violations
	in.validate(&v)
	n, err := c.eventInvokeName(lambda.NameToUpdate, &v)
	if err != nil {
		return err
	}
	if err := in.check(n.id); err != nil {
		return err
	}
	var made lambda.EventInvokeConfig
	err = c.amend(n.id, errNoFunctionForEvents(), func(fn *lambda.Function) (err error) {
		if revisionOf(fn, n.qualifier) == nil {
			return errNoFunctionForEvents()
		}
		if made, err = from(fn, n); err != nil {
			return err
		}
		in.applyTo(&made)
		attachEventInvoke(fn, n.qualifier, made)
		return nil
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, describeEventInvoke(n, made))
}

func attachEventInvoke(fn *lambda.Function, qualifier string, e lambda.EventInvokeConfig) {
	if fn.EventInvoke == nil {
		fn.EventInvoke = map[string]lambda.EventInvokeConfig{}
	}
	fn.EventInvoke[qualifier] = e
}

// applyTo writes what the request names.
func (in *eventInvokeRequest) applyTo(e *lambda.EventInvokeConfig) {
	if in.MaximumRetryAttempts != nil {
		e.MaximumRetryAttempts = in.MaximumRetryAttempts
	}
	if in.MaximumEventAgeInSeconds != nil {
		e.MaximumEventAge = in.MaximumEventAgeInSeconds
	}
	if d := in.DestinationConfig; d != nil {
		if d.OnSuccess != nil {
			e.OnSuccess = or(d.OnSuccess.Destination, "")
		}
		if d.OnFailure != nil {
			e.OnFailure = or(d.OnFailure.Destination, "")
		}
	}
	e.LastModified = time.Now().UTC().Truncate(time.Millisecond)
}

// eventInvokeName reads the name and qualifier; without one, $LATEST is meant.
func (c *call) eventInvokeName(rule lambda.NameRule, v *lambda.Violations) (named, error) {
	n, err := c.function(rule, v)
	if n.qualifier == "" {
		n.qualifier = lambda.Latest
	}
	return n, err
}

// getEventInvokeConfig answers GetFunctionEventInvokeConfig.
func getEventInvokeConfig(c *call) error {
	var v lambda.Violations
	n, err := c.eventInvokeName(lambda.NameToRead, &v)
	if err != nil {
		return err
	}
	fn, err := c.stored(n, errNoEventInvoke(n))
	if err != nil {
		return err
	}
	e, ok := fn.EventInvoke[n.qualifier]
	if !ok {
		return errNoEventInvoke(n)
	}
	return c.answer(http.StatusOK, describeEventInvoke(n, e))
}

// deleteEventInvokeConfig answers DeleteFunctionEventInvokeConfig.
func deleteEventInvokeConfig(c *call) error {
	var v lambda.Violations
	n, err := c.eventInvokeName(lambda.NameToUpdate, &v)
	if err != nil {
		return err
	}
	err = c.amend(n.id, errNoEventInvoke(n), func(fn *lambda.Function) error {
		if _, ok := fn.EventInvoke[n.qualifier]; !ok {
			return errNoEventInvoke(n)
		}
		delete(fn.EventInvoke, n.qualifier)
		return nil
	})
	if err != nil {
		return err
	}
	c.noContent()
	return nil
}

type eventInvokeList struct {
	FunctionEventInvokeConfigs []eventInvokeShape
	NextMarker                 string `json:",omitempty"`
}

// listEventInvokeConfigs answers ListFunctionEventInvokeConfigs, by qualifier.
func listEventInvokeConfigs(c *call) error {
	var v lambda.Violations
	page, err := c.page(&v)
	if err != nil {
		return err
	}
	id, err := c.wholeFunction(lambda.NameToRead, &v)
	if err != nil {
		return err
	}
	fn, err := c.stored(named{id: id}, errNoFunctionForEvents())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, eventInvokePage(&fn, page.after.version, page.limit))
}

// eventInvokePage lists at most limit configurations behind a qualifier.
func eventInvokePage(fn *lambda.Function, after string, limit int) eventInvokeList {
	out := eventInvokeList{FunctionEventInvokeConfigs: []eventInvokeShape{}}
	last := after
	for _, qualifier := range slices.Sorted(maps.Keys(fn.EventInvoke)) {
		if qualifier <= after {
			continue
		}
		if len(out.FunctionEventInvokeConfigs) == limit {
			out.NextMarker = place{fn.ID.Name, last}.marker()
			break
		}
		last = qualifier
		out.FunctionEventInvokeConfigs = append(out.FunctionEventInvokeConfigs, describeEventInvoke(named{fn.ID, qualifier}, fn.EventInvoke[qualifier]))
	}
	return out
}

func errNoEventInvoke(n named) error {
	return lambda.NewError(lambda.ErrResourceNotFound, "The function %s doesn't have an EventInvokeConfig", n.id.QualifiedARN(n.qualifier))
}

func errNoFunctionForEvents() error {
	return lambda.NewError(lambda.ErrResourceNotFound, "The function doesn't exist.")
}
