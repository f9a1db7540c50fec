package move

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"lambent.dev/lambent/internal/lambda"
)

// API is a Source behind Lambda's API.
type API struct {
	Client *awslambda.Client
	HTTP   *http.Client // fetches code from where the API says it is
}

// Names implements Source.
func (a *API) Names(ctx context.Context) (names []string, err error) {
	pages := awslambda.NewListFunctionsPaginator(a.Client, &awslambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Functions {
			names = append(names, aws.ToString(f.FunctionName))
		}
	}
	return names, nil
}

// Function implements Source.
func (a *API) Function(ctx context.Context, name string) (*Function, error) {
	out, err := a.Client.GetFunction(ctx, &awslambda.GetFunctionInput{FunctionName: &name})
	if err != nil {
		return nil, err
	}
	f := &Function{Name: name, Tags: ownTags(out.Tags)}
	if out.Concurrency != nil {
		f.Reserved = out.Concurrency.ReservedConcurrentExecutions
	}
	if f.Versions, f.Behind, err = a.versions(ctx, name); err != nil {
		return nil, err
	}
	if f.Aliases, err = a.aliases(ctx, name); err != nil {
		return nil, err
	}
	return f, a.attached(ctx, f)
}

// attached reads what versions use and what is attached to the function.
func (a *API) attached(ctx context.Context, f *Function) (err error) {
	if f.Layers, err = a.layers(ctx, f.Versions); err != nil {
		return err
	}
	if f.Events, err = a.events(ctx, f.Name); err != nil {
		return err
	}
	if f.Recursion, err = a.recursion(ctx, f.Name); err != nil {
		return err
	}
	left, err := a.behind(ctx, f)
	if err != nil {
		return err
	}
	permissions, unread, err := a.permissions(ctx, f)
	f.Permissions, f.Behind = permissions, slices.Concat(f.Behind, unread, left)
	return err
}

// versions reads all versions, and names what of them stays behind.
func (a *API) versions(ctx context.Context, name string) (all []Version, left []string, err error) {
	pages := awslambda.NewListVersionsByFunctionPaginator(a.Client, &awslambda.ListVersionsByFunctionInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, err
		}
		for i := range page.Versions {
			v, err := versionOf(&page.Versions[i])
			if err != nil {
				return nil, nil, err
			}
			all, left = append(all, v), append(left, ofAWS(&page.Versions[i])...)
		}
	}
	slices.SortFunc(all, func(a, b Version) int { return order(a.Number) - order(b.Number) })
	slices.Sort(left)
	return all, slices.Compact(left), nil
}

// order puts $LATEST, which is no number, last.
func order(number string) int {
	n, err := strconv.Atoi(number)
	if err != nil {
		return int(^uint(0) >> 1)
	}
	return n
}

func (a *API) aliases(ctx context.Context, name string) (all []Alias, err error) {
	pages := awslambda.NewListAliasesPaginator(a.Client, &awslambda.ListAliasesInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, from := range page.Aliases {
			to := Alias{Name: aws.ToString(from.Name), Version: aws.ToString(from.FunctionVersion), Description: aws.ToString(from.Description)}
			if from.RoutingConfig != nil {
				to.Weights = from.RoutingConfig.AdditionalVersionWeights
			}
			all = append(all, to)
		}
	}
	return all, nil
}

// versionOf reads a configuration, and refuses what would be lost.
func versionOf(c *types.FunctionConfiguration) (Version, error) {
	v := Version{
		Number: aws.ToString(c.Version), SHA256: aws.ToString(c.CodeSha256), Description: aws.ToString(c.Description),
		Runtime: string(c.Runtime), Handler: aws.ToString(c.Handler), Role: aws.ToString(c.Role),
		Memory: aws.ToInt32(c.MemorySize), Timeout: aws.ToInt32(c.Timeout), Tmp: lambda.DefaultTmp,
	}
	if c.EphemeralStorage != nil {
		v.Tmp = aws.ToInt32(c.EphemeralStorage.Size)
	}
	if c.SnapStart != nil && c.SnapStart.ApplyOn == types.SnapStartApplyOnPublishedVersions {
		v.SnapStart = lambda.SnapStartVersions
	}
	if c.Environment != nil {
		v.Environment = c.Environment.Variables
	}
	if c.TenancyConfig != nil {
		v.Tenancy = string(c.TenancyConfig.TenantIsolationMode)
	}
	if c.TracingConfig != nil {
		v.Tracing = string(c.TracingConfig.Mode)
	}
	if l := c.LoggingConfig; l != nil {
		v.Logging = &Logging{Format: string(l.LogFormat), Application: string(l.ApplicationLogLevel), System: string(l.SystemLogLevel)}
		if group := aws.ToString(l.LogGroup); group != "/aws/lambda/"+aws.ToString(c.FunctionName) {
			v.Logging.Group = group
		}
	}
	if len(c.Architectures) > 0 {
		v.Machine = string(c.Architectures[0])
	}
	for _, l := range c.Layers {
		v.Layers = append(v.Layers, aws.ToString(l.Arn))
	}
	if lost := unmovable(c); len(lost) > 0 {
		return v, fmt.Errorf("version %s uses what cannot be moved: %s", v.Number, strings.Join(lost, ", "))
	}
	return v, nil
}

func unmovable(c *types.FunctionConfiguration) (lost []string) {
	for _, part := range []struct {
		there bool
		name  string
	}{
		{c.PackageType == types.PackageTypeImage, "a container image"},
		{c.VpcConfig != nil && len(c.VpcConfig.SubnetIds) > 0, "a VPC"},
		{c.DeadLetterConfig != nil && aws.ToString(c.DeadLetterConfig.TargetArn) != "", "a dead letter queue"},
		{len(c.FileSystemConfigs) > 0, "a file system"},
		{c.DurableConfig != nil, "durable execution"},
		{c.CapacityProviderConfig != nil, "a capacity provider"},
		{c.Environment != nil && c.Environment.Error != nil, "environment variables that the caller may not decrypt"},
	} {
		if part.there {
			lost = append(lost, part.name)
		}
	}
	return lost
}

// Code implements Source.
func (a *API) Code(ctx context.Context, name string, v *Version) ([]byte, error) {
	out, err := a.Client.GetFunction(ctx, &awslambda.GetFunctionInput{FunctionName: &name, Qualifier: &v.Number})
	if err != nil {
		return nil, err
	}
	if out.Code == nil || out.Code.Location == nil {
		return nil, errors.New("the API does not say where the code is")
	}
	zipped, err := a.download(ctx, *out.Code.Location)
	if err != nil {
		return nil, fmt.Errorf("fetching the code of version %s: %w", v.Number, err)
	}
	return zipped, v.check(zipped)
}

// download reads at most what a request to create a function can carry.
func (a *API) download(ctx context.Context, location string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, err
	}
	resp, err := a.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New("it was answered by " + resp.Status)
	}
	return readAtMost(resp.Body)
}

func readAtMost(r io.Reader) ([]byte, error) {
	zipped, err := io.ReadAll(io.LimitReader(r, lambda.MaxZipped+1))
	if err == nil && len(zipped) > lambda.MaxZipped {
		err = fmt.Errorf("it is more than %d MB, the most that a request can carry", lambda.MaxZipped/1_000_000)
	}
	return zipped, err
}

// check holds a package against the version's digest.
func (v *Version) check(zipped []byte) error {
	if digest(zipped) != v.SHA256 {
		return fmt.Errorf("the code of version %s is not what its SHA-256 says", v.Number)
	}
	return nil
}

// digest is a SHA-256 as Lambda writes it.
func digest(zipped []byte) string {
	sum := sha256.Sum256(zipped)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ownTags leaves out what the service adds: nobody can set it.
func ownTags(all map[string]string) map[string]string {
	own := maps.Clone(all)
	maps.DeleteFunc(own, func(name, _ string) bool { return strings.HasPrefix(name, "aws:") })
	return own
}
