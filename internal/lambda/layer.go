package lambda

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// LayerID names a layer. It is comparable and keys maps.
type LayerID struct {
	Account string // 12 digits
	Region  string
	Name    string
}

// ARN returns the layer's ARN without a version.
func (id LayerID) ARN() string {
	return "arn:aws:lambda:" + id.Region + ":" + id.Account + ":layer:" + id.Name
}

// VersionARN returns the ARN of one version of the layer.
func (id LayerID) VersionARN(version int64) string {
	return id.ARN() + ":" + strconv.FormatInt(version, 10)
}

// LayerVersion is one published, immutable version of a layer.
type LayerVersion struct {
	ID                      LayerID
	Version                 int64 // from 1; none is used twice
	Description             string
	LicenseInfo             string
	CompatibleRuntimes      []string // as published; nil = not said
	CompatibleArchitectures []string
	Code                    Code
	Created                 time.Time
}

// Ref is what a function version keeps of a layer version that it uses.
func (v *LayerVersion) Ref() LayerRef {
	return LayerRef{ARN: v.ID.VersionARN(v.Version), Size: v.Code.Size, Digest: v.Code.Digest}
}

// LayersDigest names what an ordered list of packages makes when they are laid over each
// other: hex of a SHA-256. One alone is itself; none is "".
func LayersDigest(digests []string) string {
	switch len(digests) {
	case 0:
		return ""
	case 1:
		return digests[0]
	}
	sum := sha256.Sum256([]byte("lambent layers\n" + strings.Join(digests, "\n")))
	return hex.EncodeToString(sum[:])
}

// LayerDigests returns the content addresses of a version's layers, in order.
func (v *Version) LayerDigests() []string {
	digests := make([]string, len(v.Layers))
	for i, layer := range v.Layers {
		digests[i] = layer.Digest
	}
	return digests
}

// Limits of layers. Source: AWS Lambda API reference, PublishLayerVersion and
// CreateFunction; Developer Guide, "Lambda quotas".
const (
	MaxLayers    = 5 // of one function
	maxLayerName = 140
	maxLayerARN  = 2048
)

// Patterns as AWS shows them in errors.
const (
	layerNamePattern    = `(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+`
	layerVersionPattern = `(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)` +
		`|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)`
)

var (
	layerNameExact    = regexp.MustCompile(`^(?:arn:[a-zA-Z0-9-]+:lambda:([a-zA-Z0-9-]+):(\d{12}):layer:)?([a-zA-Z0-9-_]+)$`)
	layerVersionExact = regexp.MustCompile(`^arn:(?:aws[a-zA-Z-]*)?:lambda:(` + regionPattern + `):(\d{12}):layer:([a-zA-Z0-9-_]+):([0-9]+)$`)
	awsLayerExact     = regexp.MustCompile(`^arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+$`)
)

// ParseLayerName reads a LayerName: a name, or a layer's ARN. Account and Region are ""
// where it did not name them. What breaks the rule is reported to v.
func ParseLayerName(s string, v *Violations) LayerID {
	v.Length("layerName", s, 1, maxLayerName)
	if len(s) > maxLayerARN {
		return LayerID{}
	}
	match := layerNameExact.FindStringSubmatch(s)
	if match == nil {
		v.Add("layerName", s, matchPattern+layerNamePattern)
		return LayerID{}
	}
	return LayerID{Region: match[1], Account: match[2], Name: match[3]}
}

// ParseLayerVersionARN reads the ARN of a layer version. One of AWS's own
// (arn:…:awslayer:…) is well formed and names no account; its number is 0, and so is
// one that no layer can reach. What breaks the rule is reported to v at the field arn.
func ParseLayerVersionARN(s string, v *Violations) (LayerID, int64) {
	id, number, ok := layerVersion(s)
	if !ok {
		v.Length("arn", s, 1, maxLayerARN)
		v.Add("arn", s, matchPattern+layerVersionPattern)
	}
	return id, number
}

func layerVersion(s string) (id LayerID, number int64, ok bool) {
	if len(s) > maxLayerARN {
		return LayerID{}, 0, false
	}
	if match := layerVersionExact.FindStringSubmatch(s); match != nil {
		id = LayerID{Region: match[1], Account: match[len(match)-3], Name: match[len(match)-2]}
		number, err := strconv.ParseInt(match[len(match)-1], 10, 64)
		if err != nil {
			number = 0
		}
		return id, number, true
	}
	return LayerID{}, 0, awsLayerExact.MatchString(s)
}

// CheckLayerARNs reports to v, at the field layers, ARNs that name no layer version.
func CheckLayerARNs(arns []string, v *Violations) {
	for _, arn := range arns {
		if _, _, ok := layerVersion(arn); !ok {
			v.Add("layers", shownList(arns), "Member must satisfy constraint: [Member must have length less than or equal to 2048, "+
				"Member must have length greater than or equal to 1, "+matchPattern+layerVersionPattern+", "+notNull+"]")
			return
		}
	}
}
