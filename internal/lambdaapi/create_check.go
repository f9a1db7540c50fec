package lambdaapi

import (
	"fmt"
	"slices"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimes"
)

// offered are the runtimes that AWS names when it refuses one; retired are those that
// it has stopped to accept. Source: answers recorded from the service.
const offered = "[nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, " +
	"java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2]"

var retired = []string{
	"dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "go1.x", "java8", "nodejs", "nodejs4.3", "nodejs4.3-edge",
	"nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "provided", "python2.7", "python3.6", "python3.7", "ruby2.5", "ruby2.7",
}

// checkFunction holds what the model of the API allows and Lambda, or this host,
// refuses.
func (c *call) checkFunction(in *createFunctionRequest, fn *lambda.Function) error {
	if err := in.refuseUnsupported(); err != nil {
		return err
	}
	if err := c.checkConfiguration(&in.configurationRequest, &fn.Latest); err != nil {
		return err
	}
	if err := checkSnapStart(fn, &fn.Latest); err != nil {
		return err
	}
	if err := checkArchitecture(in.Architectures); err != nil {
		return err
	}
	if err := c.placeUnder(&fn.Latest, in.CapacityProviderConfig); err != nil {
		return err
	}
	if err := c.checkSettings(fn); err != nil {
		return err
	}
	layers, err := c.layerRefs(in.Layers, fn.ID.Region)
	if err != nil {
		return err
	}
	fn.Latest.Layers = layers
	return c.checkSource(in.Code)
}

// checkConfiguration checks a version, and what was asked for to make it so.
func (c *call) checkConfiguration(in *configurationRequest, v *lambda.Version) error {
	if err := c.checkRuntime(v); err != nil {
		return err
	}
	if err := in.LoggingConfig.checkLevels(v.Logging.Format); err != nil {
		return err
	}
	return checkEnvironment(v.Environment)
}

func (c *call) checkRuntime(v *lambda.Version) error {
	if v.Runtime == "" || v.Handler == "" {
		return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if !runtimes.Known(v.Runtime) {
		return invalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: %s or be a valid ARN", shorten(v.Runtime), offered)
	}
	if _, err := c.Runtimes.Resolve(v); err != nil {
		return errLacking(v.Runtime, err)
	}
	return nil
}

// errLacking says that the host has no such runtime; what AWS has retired gets AWS's
// words before that, for tools that know them.
func errLacking(runtime string, cause error) error {
	text := fmt.Sprintf("This host cannot run %s: %s", runtime, cause)
	if slices.Contains(retired, runtime) {
		text = fmt.Sprintf("The runtime parameter of %s is no longer supported for creating or updating AWS Lambda functions. "+
			"We recommend you use a supported runtime while creating or updating functions. ", runtime) + text
	}
	return invalid("%s", text)
}

func checkArchitecture(asked *[]string) error {
	if asked == nil || (*asked)[0] == hostArchitecture() {
		return nil
	}
	return invalid("This host runs %s only: it cannot run a function for %s.", hostArchitecture(), (*asked)[0])
}

// checkSettings holds the limits of tags and that the tier asked for is to be had:
// isolation is never weakened silently.
func (c *call) checkSettings(fn *lambda.Function) error {
	if err := checkTags(fn.Tags); err != nil {
		return err
	}
	settings, err := lambda.ParseSettings(fn.Tags)
	if err != nil {
		return invalid("%s", err)
	}
	var failed error
	fn.Each(func(v *lambda.Version) {
		if failed == nil {
			failed = c.checkVersion(c.who.account, settings, v)
		}
	})
	return failed
}

// checkTierOf is checkVersion for a version that a function is to have.
func (s *Server) checkTierOf(fn *lambda.Function, v *lambda.Version) error {
	settings, err := lambda.ParseSettings(fn.Tags)
	if err != nil {
		return invalid("%s", err)
	}
	return s.checkVersion(fn.ID.Account, settings, v)
}

// checkVersion holds that an account allows the tier of a version, and that the host has it
// and the network that the function is to have there.
func (s *Server) checkVersion(account string, settings lambda.Settings, v *lambda.Version) error {
	tier, err := s.rule(account).Isolation.Choose(settings, v)
	if err != nil {
		return invalid("This is not allowed here: %s.", err)
	}
	if err := s.Tiers.Offers(tier); err != nil {
		return invalid("This host does not offer the isolation %s: %s", tier, err)
	}
	settings.Settle(tier, s.DefaultNetwork)
	return s.checkNetwork(&settings)
}

// checkNetwork holds that the profile asked for is to be had, with what other tags add.
func (s *Server) checkNetwork(settings *lambda.Settings) error {
	if err := settings.Fits(); err != nil {
		return invalid("%s", err)
	}
	if err := s.Networks.Offers(settings.Tier, settings.Network, settings.Reach()); err != nil {
		return invalid("This host does not offer the network %s: %s", settings.Network, err)
	}
	return nil
}
