package lambdaapi

import (
	"net/url"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// route is one operation of the API.
type route struct {
	method    string
	path      string // segments in braces are labels; the first route that matches is taken
	operation string
	inside    bool // a function may call it from its sandbox
	serve     func(*call) error
}

// routes is the whole API. Source of methods and paths: AWS Lambda API reference.
var routes = []route{
	{"POST", "/2015-03-31/functions/{FunctionName}/invocations", "Invoke", true, invoke}, // first: most requests
	{"POST", "/2015-03-31/functions", "CreateFunction", false, createFunction},
	{"GET", "/2015-03-31/functions", "ListFunctions", true, listFunctions},
	{"GET", "/2015-03-31/functions/{FunctionName}", "GetFunction", true, getFunction},
	{"DELETE", "/2015-03-31/functions/{FunctionName}", "DeleteFunction", false, deleteFunction},
	{"GET", "/2015-03-31/functions/{FunctionName}/configuration", "GetFunctionConfiguration", true, getFunctionConfiguration},
	{"PUT", "/2015-03-31/functions/{FunctionName}/configuration", "UpdateFunctionConfiguration", false, updateFunctionConfiguration},
	{"PUT", "/2015-03-31/functions/{FunctionName}/code", "UpdateFunctionCode", false, updateFunctionCode},
	{"POST", "/2015-03-31/functions/{FunctionName}/versions", "PublishVersion", false, publishVersion},
	{"GET", "/2015-03-31/functions/{FunctionName}/versions", "ListVersionsByFunction", true, listVersions},
	{"POST", "/2015-03-31/functions/{FunctionName}/aliases", "CreateAlias", false, createAlias},
	{"GET", "/2015-03-31/functions/{FunctionName}/aliases", "ListAliases", true, listAliases},
	{"GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", "GetAlias", true, getAlias},
	{"PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", "UpdateAlias", false, updateAlias},
	{"DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", "DeleteAlias", false, deleteAlias},
	{"PUT", "/2017-10-31/functions/{FunctionName}/concurrency", "PutFunctionConcurrency", false, putFunctionConcurrency},
	{"GET", "/2019-09-30/functions/{FunctionName}/concurrency", "GetFunctionConcurrency", true, getFunctionConcurrency},
	{"DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", "DeleteFunctionConcurrency", false, deleteFunctionConcurrency},
	{"PUT", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", "PutProvisionedConcurrencyConfig", false, putProvisionedConfig},
	{"GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", "GetProvisionedConcurrencyConfig", true, getProvisionedConfig}, // and ListProvisionedConcurrencyConfigs
	{"DELETE", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", "DeleteProvisionedConcurrencyConfig", false, deleteProvisionedConfig},
	{"GET", "/2017-03-31/tags/{Resource}", "ListTags", true, listTags},
	{"POST", "/2017-03-31/tags/{Resource}", "TagResource", false, tagResource},
	{"DELETE", "/2017-03-31/tags/{Resource}", "UntagResource", false, untagResource},
	{"POST", "/2015-03-31/functions/{FunctionName}/policy", "AddPermission", false, addPermission},
	{"GET", "/2015-03-31/functions/{FunctionName}/policy", "GetPolicy", false, getPolicy},
	{"DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", "RemovePermission", false, removePermission},
	{"GET", "/2016-08-19/account-settings", "GetAccountSettings", true, getAccountSettings},
	{"GET", "/2020-06-30/functions/{FunctionName}/code-signing-config", "GetFunctionCodeSigningConfig", true, getFunctionCodeSigningConfig},
	{"GET", "/2021-07-20/functions/{FunctionName}/runtime-management-config", "GetRuntimeManagementConfig", true, getRuntimeManagementConfig},
	{"GET", "/2024-08-31/functions/{FunctionName}/recursion-config", "GetFunctionRecursionConfig", true, getFunctionRecursionConfig},
	{"PUT", "/2024-08-31/functions/{FunctionName}/recursion-config", "PutFunctionRecursionConfig", false, putFunctionRecursionConfig},
	{"PUT", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "PutFunctionEventInvokeConfig", false, putEventInvokeConfig},
	{"POST", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "UpdateFunctionEventInvokeConfig", false, updateEventInvokeConfig},
	{"GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "GetFunctionEventInvokeConfig", true, getEventInvokeConfig},
	{"DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "DeleteFunctionEventInvokeConfig", false, deleteEventInvokeConfig},
	{"GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", "ListFunctionEventInvokeConfigs", true, listEventInvokeConfigs},
	{"POST", "/2018-10-31/layers/{LayerName}/versions", "PublishLayerVersion", false, publishLayerVersion},
	{"GET", "/2018-10-31/layers/{LayerName}/versions", "ListLayerVersions", false, listLayerVersions},
	{"GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", "GetLayerVersion", false, getLayerVersion},
	{"DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", "DeleteLayerVersion", false, deleteLayerVersion},
	{"GET", "/2018-10-31/layers", "ListLayers", false, listLayers}, // and GetLayerVersionByArn
	{"POST", "/2025-11-30/capacity-providers", "CreateCapacityProvider", false, createProvider},
	{"GET", "/2025-11-30/capacity-providers", "ListCapacityProviders", false, listProviders},
	{"GET", "/2025-11-30/capacity-providers/{CapacityProviderName}", "GetCapacityProvider", false, getProvider},
	{"PUT", "/2025-11-30/capacity-providers/{CapacityProviderName}", "UpdateCapacityProvider", false, updateProvider},
	{"DELETE", "/2025-11-30/capacity-providers/{CapacityProviderName}", "DeleteCapacityProvider", false, deleteProvider},
	{"GET", "/2025-11-30/capacity-providers/{CapacityProviderName}/function-versions", "ListFunctionVersionsByCapacityProvider", false, listProviderVersions},
	{"GET", "/_lambent/code/{Digest}", "DownloadCode", true, downloadCode},
}

// labels are the decoded parts of a path that a route names, by name.
type labels map[string]string

// matched is the outcome of looking a path up.
type matched struct {
	route   *route // nil if no route has path and method
	labels  labels
	methods []string // where there is no route: of those that have the path
}

// match finds the route of a request. It works on the path as it was sent: labels
// arrive percent-encoded, and an encoded slash is part of its label.
func match(method, escapedPath string) (matched, error) {
	var m matched
	path := strings.TrimSuffix(escapedPath, "/")
	for i := range routes {
		if !matchPath(routes[i].path, path, nil) {
			continue
		}
		if routes[i].method == method {
			m.route = &routes[i]
			break
		}
		m.methods = append(m.methods, routes[i].method)
	}
	if m.route == nil {
		return m, nil
	}
	raw := labels{}
	matchPath(m.route.path, path, raw)
	return m, m.decode(raw)
}

func (m *matched) decode(raw labels) error {
	m.labels = raw
	for name, value := range raw {
		decoded, err := url.PathUnescape(value)
		if err != nil {
			return lambda.NewError(lambda.ErrInvalidParameterValue, "The path of the request is not percent-encoded correctly.")
		}
		raw[name] = decoded
	}
	return nil
}

// matchPath compares a path with a pattern, segment by segment, and puts the raw text
// of the pattern's labels into raw, unless that is nil.
func matchPath(pattern, path string, raw labels) bool {
	for pattern != "" || path != "" {
		var want, got string
		want, pattern = nextSegment(pattern)
		got, path = nextSegment(path)
		switch {
		case strings.HasPrefix(want, "/{") && len(got) > 1:
			if raw != nil {
				raw[want[2:len(want)-1]] = got[1:]
			}
		case want != got:
			return false
		}
	}
	return true
}

// nextSegment splits "/a/b/c" into "/a" and "/b/c".
func nextSegment(path string) (segment, rest string) {
	if path == "" {
		return "", ""
	}
	if i := strings.IndexByte(path[1:], '/'); i >= 0 {
		return path[:i+1], path[i+1:]
	}
	return path, ""
}

// dispatch runs the operation that the request names.
func (c *call) dispatch() error {
	m, err := match(c.r.Method, c.r.URL.EscapedPath())
	if err != nil {
		return err
	}
	if m.route == nil {
		return c.refuseRoute(m.methods)
	}
	if c.who.function != nil && !m.route.inside {
		return lambda.NewError(lambda.ErrAccessDenied, "User: %s is not authorized to perform: lambda:%s from inside a function",
			c.who.arn(), m.route.operation)
	}
	if raw := c.r.URL.RawQuery; raw != "" {
		if c.query, err = url.ParseQuery(raw); err != nil {
			return lambda.NewError(lambda.ErrInvalidParameterValue, "The query string of the request is malformed.")
		}
	}
	c.operation, c.labels = m.route.operation, m.labels
	release, err := c.authenticate()
	if err != nil {
		return err
	}
	defer release()
	return m.route.serve(c)
}

func (c *call) refuseRoute(methods []string) error {
	if len(methods) == 0 {
		return lambda.NewError(lambda.ErrUnknownOperation, "Lambent does not know this operation, or does not support it yet.")
	}
	c.w.Header().Set("Allow", strings.Join(methods, ", "))
	return lambda.NewError(lambda.ErrMethodNotAllowed, "This resource answers to %s only.", strings.Join(methods, " and "))
}
