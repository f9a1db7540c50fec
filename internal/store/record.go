package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// recordFormat is the format of the documents below. It rises with every change of
// a record that an older Lambent would misread; DecodeFunction and DecodeVersion go on
// reading the formats before it.
//
// Format 2 seals the secrets of versions, which format 1 has in the open. Format 3 has
// provisioned concurrency, format 4 SnapStart, tenant isolation and capacity providers.
const recordFormat = 4

// provisionedFormat is what a function with provisioned concurrency is written in.
const provisionedFormat = 3

// sealedFormat is what a document is written in that has nothing newer: a Lambent that
// knows no more goes on reading it.
const sealedFormat = 2

// functionRecord is how a function is written, without its key and its published
// versions. Records are spelled out, apart from the domain's structs, so that
// renaming a Go field cannot change what is on disk.
type functionRecord struct {
	Format              int                          `json:"format"`
	Tags                map[string]string            `json:"tags,omitzero"`
	LastVersion         int                          `json:"lastVersion,omitzero"`
	Aliases             []aliasRecord                `json:"aliases,omitzero"`
	ReservedConcurrency *int                         `json:"reservedConcurrency,omitzero"`
	Provisioned         map[string]provisionedRecord `json:"provisioned,omitzero"`
	Policies            map[string]policyRecord      `json:"policies,omitzero"`
	EventInvoke         map[string]eventInvokeRecord `json:"eventInvoke,omitzero"`
	RecursiveLoop       string                       `json:"recursiveLoop,omitzero"`
	Latest              versionFields                `json:"latest"`
	Serving             *versionFields               `json:"serving,omitzero"`
}

// versionRecord is how a published version is written.
type versionRecord struct {
	Format  int           `json:"format"`
	Version versionFields `json:"version"`
}

type versionFields struct {
	Version        string            `json:"version"`
	Description    string            `json:"description,omitzero"`
	Role           string            `json:"role,omitzero"`
	Runtime        string            `json:"runtime,omitzero"`
	Handler        string            `json:"handler,omitzero"`
	Timeout        int               `json:"timeoutSeconds"`
	MemorySize     int               `json:"memoryMiB"`
	TmpSize        int               `json:"tmpMiB"`
	Environment    map[string]string `json:"environment,omitzero"`
	EnvironmentSet bool              `json:"environmentSet,omitzero"`
	PackageType    string            `json:"packageType,omitzero"`
	Architecture   string            `json:"architecture,omitzero"`
	TracingMode    string            `json:"tracingMode,omitzero"`
	Logging        loggingRecord     `json:"logging"`
	Code           codeRecord        `json:"code"`
	Layers         []layerRecord     `json:"layers,omitzero"`
	Tenancy        string            `json:"tenancy,omitzero"`
	Capacity       *capacityRecord   `json:"capacity,omitzero"`
	SnapStart      string            `json:"snapStart,omitzero"`

	State                      string    `json:"state,omitzero"`
	StateReason                string    `json:"stateReason,omitzero"`
	StateReasonCode            string    `json:"stateReasonCode,omitzero"`
	LastUpdateStatus           string    `json:"lastUpdateStatus,omitzero"`
	LastUpdateStatusReason     string    `json:"lastUpdateStatusReason,omitzero"`
	LastUpdateStatusReasonCode string    `json:"lastUpdateStatusReasonCode,omitzero"`
	RevisionID                 string    `json:"revisionId,omitzero"`
	LastModified               time.Time `json:"lastModified,omitzero"`
	Generation                 uint64    `json:"generation"`
	PublishedFrom              string    `json:"publishedFrom,omitzero"`

	Sealed *sealedRecord `json:"sealed,omitzero"`
}

type loggingRecord struct {
	Format           string `json:"format,omitzero"`
	ApplicationLevel string `json:"applicationLevel,omitzero"`
	SystemLevel      string `json:"systemLevel,omitzero"`
	Group            string `json:"group,omitzero"`
}

type codeRecord struct {
	SHA256 string `json:"sha256Base64,omitzero"`
	Digest string `json:"sha256Hex,omitzero"`
	Size   int64  `json:"bytes"`
}

// EncodeFunction writes all of a function but its ID and published versions, which
// back ends keep in columns and rows.
func EncodeFunction(fn lambda.Function, s Sealer) ([]byte, error) {
	latest, err := fieldsOf(fn.Latest).seal(fn.ID, s)
	if err != nil {
		return nil, err
	}
	serving := pointed(fn.Serving, fieldsOf)
	if serving != nil {
		if *serving, err = serving.seal(fn.ID, s); err != nil {
			return nil, err
		}
	}
	return json.Marshal(functionRecord{
		Format:              formatOf(&fn),
		Tags:                fn.Tags,
		LastVersion:         fn.LastVersion,
		Aliases:             convert(fn.Aliases, toAliasRecord),
		ReservedConcurrency: fn.ReservedConcurrency,
		Provisioned:         convertMap(fn.Provisioned, toProvisionedRecord),
		Policies:            convertMap(fn.Policies, toPolicyRecord),
		EventInvoke:         convertMap(fn.EventInvoke, toEventInvokeRecord),
		RecursiveLoop:       fn.RecursiveLoop,
		Latest:              latest,
		Serving:             serving,
	})
}

// formatOf is the oldest format that can say all of a function.
func formatOf(fn *lambda.Function) int {
	format := versionFormat(&fn.Latest)
	if fn.Serving != nil {
		format = max(format, versionFormat(fn.Serving))
	}
	if fn.Provisioned != nil {
		format = max(format, provisionedFormat)
	}
	return format
}

// versionFormat is the oldest format that can say all of a version.
func versionFormat(v *lambda.Version) int {
	if v.SnapStart != "" || v.Tenancy != "" || v.Capacity != nil {
		return recordFormat
	}
	return sealedFormat
}

// DecodeFunction reads what EncodeFunction wrote.
func DecodeFunction(id lambda.FunctionID, doc []byte, s Sealer) (lambda.Function, error) {
	var r functionRecord
	err := decode(doc, &r, &r.Format)
	if err == nil {
		err = r.unseal(id, s)
	}
	if err != nil {
		return lambda.Function{}, fmt.Errorf("reading the record of %s: %w", id.ARN(), err)
	}
	return lambda.Function{
		ID: id, Tags: r.Tags, LastVersion: r.LastVersion, Aliases: convert(r.Aliases, fromAliasRecord), ReservedConcurrency: r.ReservedConcurrency,
		Provisioned: convertMap(r.Provisioned, fromProvisionedRecord),
		Policies:    convertMap(r.Policies, fromPolicyRecord), EventInvoke: convertMap(r.EventInvoke, fromEventInvokeRecord), RecursiveLoop: r.RecursiveLoop,
		Latest: r.Latest.version(), Serving: pointed(r.Serving, versionFields.version),
	}, nil
}

func (r *functionRecord) unseal(id lambda.FunctionID, s Sealer) (err error) {
	if r.Latest, err = r.Latest.unseal(id, s); err != nil || r.Serving == nil {
		return err
	}
	*r.Serving, err = r.Serving.unseal(id, s)
	return err
}

// EncodeVersion writes one published version of a function. What it writes differs each
// time, as sealing does: SameVersion compares.
func EncodeVersion(id lambda.FunctionID, v lambda.Version, s Sealer) ([]byte, error) {
	fields, err := fieldsOf(v).seal(id, s)
	if err != nil {
		return nil, err
	}
	return json.Marshal(versionRecord{Format: versionFormat(&v), Version: fields})
}

// SameVersion reports whether two versions would be kept as the same.
func SameVersion(a, b lambda.Version) bool {
	first, err := json.Marshal(fieldsOf(a))
	if err != nil {
		return false
	}
	second, err := json.Marshal(fieldsOf(b))
	return err == nil && bytes.Equal(first, second)
}

// DecodeVersion reads what EncodeVersion wrote.
func DecodeVersion(id lambda.FunctionID, doc []byte, s Sealer) (lambda.Version, error) {
	var r versionRecord
	err := decode(doc, &r, &r.Format)
	if err == nil {
		r.Version, err = r.Version.unseal(id, s)
	}
	if err != nil {
		return lambda.Version{}, fmt.Errorf("reading the record of a version of %s: %w", id.ARN(), err)
	}
	return r.Version.version(), nil
}

// decode is strict: a field that this program does not know would be lost by the
// next update, so it is an error.
func decode(doc []byte, record any, format *int) error {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.DisallowUnknownFields()
	err := d.Decode(record)
	if *format > recordFormat {
		return fmt.Errorf("format %d, this lambent knows up to %d: %w", *format, recordFormat, ErrNewerSchema)
	}
	if err != nil || *format < 1 {
		return fmt.Errorf("%w: restore it from a backup: format %d: %w", ErrDamaged, *format, orMissing(err))
	}
	return nil
}

func orMissing(err error) error {
	if err == nil {
		return fmt.Errorf("the format is missing")
	}
	return err
}

func fieldsOf(v lambda.Version) versionFields {
	return versionFields{
		Version: v.Version, Description: v.Description, Role: v.Role, Runtime: v.Runtime, Handler: v.Handler,
		Timeout: v.Timeout, MemorySize: v.MemorySize, TmpSize: v.TmpSize,
		Environment: v.Environment, EnvironmentSet: v.EnvironmentSet,
		PackageType: v.PackageType, Architecture: v.Architecture, TracingMode: v.TracingMode,
		Logging: loggingRecord(v.Logging), Code: codeRecord(v.Code), Layers: convert(v.Layers, toLayerRecord), Tenancy: v.Tenancy, Capacity: pointed(v.Capacity, toCapacityRecord), SnapStart: v.SnapStart,
		State: v.State, StateReason: v.StateReason, StateReasonCode: v.StateReasonCode,
		LastUpdateStatus: v.LastUpdateStatus, LastUpdateStatusReason: v.LastUpdateStatusReason,
		LastUpdateStatusReasonCode: v.LastUpdateStatusReasonCode, RevisionID: v.RevisionID,
		LastModified: v.LastModified.UTC(), Generation: v.Generation, PublishedFrom: v.PublishedFrom,
	}
}

func (f versionFields) version() lambda.Version {
	return lambda.Version{
		Version: f.Version, Description: f.Description, Role: f.Role, Runtime: f.Runtime, Handler: f.Handler,
		Timeout: f.Timeout, MemorySize: f.MemorySize, TmpSize: f.TmpSize,
		Environment: f.Environment, EnvironmentSet: f.EnvironmentSet,
		PackageType: f.PackageType, Architecture: f.Architecture, TracingMode: f.TracingMode,
		Logging: lambda.Logging(f.Logging), Code: lambda.Code(f.Code), Layers: convert(f.Layers, fromLayerRecord), Tenancy: f.Tenancy, Capacity: pointed(f.Capacity, fromCapacityRecord), SnapStart: f.SnapStart,
		State: f.State, StateReason: f.StateReason, StateReasonCode: f.StateReasonCode,
		LastUpdateStatus: f.LastUpdateStatus, LastUpdateStatusReason: f.LastUpdateStatusReason,
		LastUpdateStatusReasonCode: f.LastUpdateStatusReasonCode, RevisionID: f.RevisionID,
		LastModified: f.LastModified, Generation: f.Generation, PublishedFrom: f.PublishedFrom,
	}
}
