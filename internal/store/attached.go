package store

import (
	"time"

	"lambent.dev/lambent/internal/lambda"
)

type layerRecord struct {
	ARN    string `json:"arn"`
	Size   int64  `json:"bytes"`
	Digest string `json:"sha256Hex"`
}

func toLayerRecord(l lambda.LayerRef) layerRecord   { return layerRecord(l) }
func fromLayerRecord(r layerRecord) lambda.LayerRef { return lambda.LayerRef(r) }

type aliasRecord struct {
	Name        string             `json:"name"`
	Version     string             `json:"version"`
	Description string             `json:"description,omitzero"`
	Weights     map[string]float64 `json:"weights,omitzero"`
	RevisionID  string             `json:"revisionId,omitzero"`
}

func toAliasRecord(a lambda.Alias) aliasRecord   { return aliasRecord(a) }
func fromAliasRecord(r aliasRecord) lambda.Alias { return lambda.Alias(r) }

type policyRecord struct {
	Statements []statementRecord `json:"statements,omitzero"`
}

type statementRecord struct {
	ID   string `json:"id"`
	JSON string `json:"json"`
}

func toPolicyRecord(p lambda.Policy) policyRecord {
	to := func(s lambda.Statement) statementRecord { return statementRecord(s) }
	return policyRecord{Statements: convert(p.Statements, to)}
}

func fromPolicyRecord(r policyRecord) lambda.Policy {
	from := func(s statementRecord) lambda.Statement { return lambda.Statement(s) }
	return lambda.Policy{Statements: convert(r.Statements, from)}
}

type eventInvokeRecord struct {
	MaximumRetryAttempts *int      `json:"maximumRetryAttempts,omitzero"`
	MaximumEventAge      *int      `json:"maximumEventAgeSeconds,omitzero"`
	OnSuccess            string    `json:"onSuccess,omitzero"`
	OnFailure            string    `json:"onFailure,omitzero"`
	LastModified         time.Time `json:"lastModified,omitzero"`
}

func toEventInvokeRecord(c lambda.EventInvokeConfig) eventInvokeRecord {
	c.LastModified = c.LastModified.UTC()
	return eventInvokeRecord(c)
}

func fromEventInvokeRecord(r eventInvokeRecord) lambda.EventInvokeConfig {
	return lambda.EventInvokeConfig(r)
}

type provisionedRecord struct {
	Executions   int       `json:"executions"`
	LastModified time.Time `json:"lastModified,omitzero"`
}

func toProvisionedRecord(c lambda.ProvisionedConfig) provisionedRecord {
	c.LastModified = c.LastModified.UTC()
	return provisionedRecord(c)
}

func fromProvisionedRecord(r provisionedRecord) lambda.ProvisionedConfig {
	return lambda.ProvisionedConfig(r)
}

// convert maps a slice; nil stays nil.
func convert[A, B any](from []A, f func(A) B) []B {
	if from == nil {
		return nil
	}
	to := make([]B, len(from))
	for i, v := range from {
		to[i] = f(v)
	}
	return to
}

// convertMap maps the values of a map; nil stays nil.
func convertMap[A, B any](from map[string]A, f func(A) B) map[string]B {
	if from == nil {
		return nil
	}
	to := make(map[string]B, len(from))
	for k, v := range from {
		to[k] = f(v)
	}
	return to
}

// pointed maps what a pointer points at; nil stays nil.
func pointed[A, B any](from *A, f func(A) B) *B {
	if from == nil {
		return nil
	}
	to := f(*from)
	return &to
}
