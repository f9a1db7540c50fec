package move

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Layer is one version of a layer, as a function uses it.
type Layer struct {
	ARN         string   `json:"arn"`    // in its old place
	SHA256      string   `json:"sha256"` // of the package, base64
	Description string   `json:"description,omitempty"`
	License     string   `json:"license,omitempty"`
	Runtimes    []string `json:"runtimes,omitempty"`
	Machines    []string `json:"architectures,omitempty"`
}

// split takes arn:aws:lambda:REGION:ACCOUNT:layer:NAME:NUMBER apart.
func (l *Layer) split() (name string, number int64, err error) {
	parts := strings.Split(l.ARN, ":")
	if len(parts) != 8 || parts[5] != "layer" {
		return "", 0, fmt.Errorf("%q is no version of a layer", l.ARN)
	}
	number, err = strconv.ParseInt(parts[7], 10, 64)
	if err != nil || number < 1 {
		return "", 0, fmt.Errorf("%q is no version of a layer", l.ARN)
	}
	return parts[6], number, nil
}

// title is what people call a version of a layer: "shared:3".
func (l *Layer) title() string {
	parts := strings.Split(l.ARN, ":")
	return strings.Join(parts[max(0, len(parts)-2):], ":")
}

// layers describes what the versions of a function use, each once.
func (a *API) layers(ctx context.Context, versions []Version) (all []Layer, err error) {
	seen := map[string]bool{}
	for i := range versions {
		for _, arn := range versions[i].Layers {
			if seen[arn] {
				continue
			}
			seen[arn] = true
			l := Layer{ARN: arn}
			if err := a.describe(ctx, &l); err != nil {
				return nil, err
			}
			all = append(all, l)
		}
	}
	return all, nil
}

func (a *API) describe(ctx context.Context, l *Layer) error {
	out, err := a.layer(ctx, l)
	if err != nil {
		return err
	}
	l.SHA256, l.Description, l.License = aws.ToString(out.Content.CodeSha256), aws.ToString(out.Description), aws.ToString(out.LicenseInfo)
	for _, r := range out.CompatibleRuntimes {
		l.Runtimes = append(l.Runtimes, string(r))
	}
	for _, m := range out.CompatibleArchitectures {
		l.Machines = append(l.Machines, string(m))
	}
	return nil
}

func (a *API) layer(ctx context.Context, l *Layer) (*awslambda.GetLayerVersionByArnOutput, error) {
	out, err := a.Client.GetLayerVersionByArn(ctx, &awslambda.GetLayerVersionByArnInput{Arn: &l.ARN})
	if refused(err) { // %v: it says nothing of the function
		return nil, fmt.Errorf("layer %s cannot be read there, it was deleted or belongs to somebody else: %v", l.title(), err)
	}
	if err != nil {
		return nil, err
	}
	if out.Content == nil || out.Content.Location == nil {
		return nil, fmt.Errorf("layer %s: the API does not say where it is", l.title())
	}
	return out, nil
}

// Layer implements Source.
func (a *API) Layer(ctx context.Context, l *Layer) ([]byte, error) {
	out, err := a.layer(ctx, l)
	if err != nil {
		return nil, err
	}
	zipped, err := a.download(ctx, *out.Content.Location)
	if err != nil {
		return nil, fmt.Errorf("fetching layer %s: %w", l.title(), err)
	}
	return zipped, l.check(zipped)
}

func (l *Layer) check(zipped []byte) error {
	if digest(zipped) != l.SHA256 {
		return fmt.Errorf("layer %s is not what its SHA-256 says", l.title())
	}
	return nil
}

// shelf is the layers that a target was given for one function.
type shelf struct {
	here      map[string]string // ARN at the target by ARN at the source
	published []place           // to be undone
	notes     []string
}

// place is a version of a layer at the target.
type place struct {
	name   string
	number int64
}

// shelve sees to it that the target has the layers of a function.
func (t *Target) shelve(ctx context.Context, from Source, f *Function) (*shelf, error) {
	s := &shelf{here: map[string]string{}}
	for i := range f.Layers {
		if err := t.put(ctx, from, &f.Layers[i], s); err != nil {
			return nil, errors.Join(fmt.Errorf("layer %s: %w", f.Layers[i].title(), err), t.clear(ctx, s))
		}
	}
	return s, nil
}

// put finds a layer at the target, or publishes it there.
func (t *Target) put(ctx context.Context, from Source, l *Layer, s *shelf) error {
	name, number, err := l.split()
	if err != nil {
		return err
	}
	found, newest, err := t.find(ctx, name, number, l.SHA256)
	if err != nil {
		return err
	}
	if found == nil {
		if found, err = t.publishLayer(ctx, from, l, place{name, number}, newest); err != nil {
			return err
		}
		s.published = append(s.published, *found)
	}
	s.here[l.ARN] = t.arns[*found]
	if found.number != number {
		s.notes = append(s.notes, fmt.Sprintf("layer %s is %s:%d here", l.title(), found.name, found.number))
	}
	return nil
}

// find looks for a layer with this content, best under this number, and tells the newest
// number that is there.
func (t *Target) find(ctx context.Context, name string, number int64, sha string) (found *place, newest int64, err error) {
	pages := awslambda.NewListLayerVersionsPaginator(t.Client, &awslambda.ListLayerVersionsInput{LayerName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if isMissing(err) {
			return nil, 0, nil
		}
		if err != nil {
			return nil, 0, err
		}
		for _, v := range page.LayerVersions {
			newest = max(newest, v.Version)
			same, err := t.holds(ctx, name, v.Version, sha)
			if err != nil {
				return nil, 0, err
			}
			if same && (found == nil || v.Version == number) {
				found = &place{name, v.Version}
				t.remember(*found, aws.ToString(v.LayerVersionArn))
			}
		}
	}
	return found, newest, nil
}

func (t *Target) holds(ctx context.Context, name string, number int64, sha string) (bool, error) {
	out, err := t.Client.GetLayerVersion(ctx, &awslambda.GetLayerVersionInput{LayerName: &name, VersionNumber: &number})
	if err != nil {
		return false, err
	}
	return out.Content != nil && aws.ToString(out.Content.CodeSha256) == sha, nil
}

func (t *Target) remember(p place, arn string) {
	if t.arns == nil {
		t.arns = map[place]string{}
	}
	t.arns[p] = arn
}

// maxLayerGap bounds how many numbers of a layer are passed over to give it its old one.
const maxLayerGap = 100

// publishLayer publishes a layer, under its old number where that is still to come.
func (t *Target) publishLayer(ctx context.Context, from Source, l *Layer, want place, newest int64) (*place, error) {
	content, err := from.Layer(ctx, l)
	if err != nil {
		return nil, err
	}
	for want.number > newest+1 && want.number-newest <= maxLayerGap {
		passed, err := t.publishContent(ctx, &Layer{}, want.name, content)
		if err != nil {
			return nil, err
		}
		if err := t.deleteLayer(ctx, *passed); err != nil {
			return nil, err
		}
		newest = passed.number
	}
	return t.publishContent(ctx, l, want.name, content)
}

func (t *Target) publishContent(ctx context.Context, l *Layer, name string, content []byte) (*place, error) {
	in := &awslambda.PublishLayerVersionInput{
		LayerName: &name, Content: &types.LayerVersionContentInput{ZipFile: content},
		Description: none(l.Description), LicenseInfo: none(l.License),
	}
	for _, r := range l.Runtimes {
		in.CompatibleRuntimes = append(in.CompatibleRuntimes, types.Runtime(r))
	}
	for _, m := range l.Machines {
		in.CompatibleArchitectures = append(in.CompatibleArchitectures, types.Architecture(m))
	}
	out, err := t.Client.PublishLayerVersion(ctx, in)
	if err != nil {
		return nil, err
	}
	p := place{name, out.Version}
	t.remember(p, aws.ToString(out.LayerVersionArn))
	return &p, nil
}

// none is nil for "".
func none(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (t *Target) deleteLayer(ctx context.Context, p place) error {
	_, err := t.Client.DeleteLayerVersion(ctx, &awslambda.DeleteLayerVersionInput{LayerName: &p.name, VersionNumber: &p.number})
	return err
}

// clear takes back what was published for a function that was not made.
func (t *Target) clear(ctx context.Context, s *shelf) (err error) {
	ctx, stop := context.WithTimeoutCause(context.WithoutCancel(ctx), removeLimit, errRemoveLimit)
	defer stop()
	for _, p := range slices.Backward(s.published) {
		err = errors.Join(err, t.deleteLayer(ctx, p))
	}
	return err
}

// list is the layers of a version as the target knows them; never nil, which would leave
// those of the version before.
func (s *shelf) list(v *Version) []string {
	list := make([]string, 0, len(v.Layers))
	for _, arn := range v.Layers {
		list = append(list, s.here[arn])
	}
	return list
}
