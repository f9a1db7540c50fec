package lambdaapi

import (
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// What AWS says of a version that is being made or updated: the same of both.
const (
	creating     = "The function is being created."
	creatingCode = "Creating"
)

// apply changes a version to what was asked for; what was not sent stays as it is.
func (in *configurationRequest) apply(v *lambda.Version) {
	v.Description, v.Role = or(in.Description, v.Description), or(in.Role, v.Role)
	v.Runtime, v.Handler = or(in.Runtime, v.Runtime), or(in.Handler, v.Handler)
	v.Timeout, v.MemorySize = or(in.Timeout, v.Timeout), or(in.MemorySize, v.MemorySize)
	if in.Environment != nil {
		v.EnvironmentSet, v.Environment = true, values(in.Environment.Variables)
	}
	if in.EphemeralStorage != nil {
		v.TmpSize = or(in.EphemeralStorage.Size, v.TmpSize)
	}
	if in.TracingConfig != nil {
		v.TracingMode = or(in.TracingConfig.Mode, v.TracingMode)
	}
	if in.SnapStart != nil {
		v.SnapStart = in.SnapStart.kept(v.SnapStart)
	}
	if in.LoggingConfig != nil {
		in.LoggingConfig.apply(&v.Logging)
	}
}

// kept is how a version keeps what was asked for: "" for none.
func (in *snapStartRequest) kept(was string) string {
	if asked := or(in.ApplyOn, was); asked != lambda.SnapStartNone {
		return asked
	}
	return ""
}

// apply changes how a log is written; the format JSON brings levels with it, and Text
// takes them away.
func (in *loggingRequest) apply(l *lambda.Logging) {
	l.Format, l.Group = or(in.LogFormat, l.Format), or(in.LogGroup, l.Group)
	if l.Format != "JSON" {
		l.ApplicationLevel, l.SystemLevel = "", ""
		return
	}
	l.ApplicationLevel = level(in.ApplicationLogLevel, l.ApplicationLevel)
	l.SystemLevel = level(in.SystemLogLevel, l.SystemLevel)
}

func level(asked *string, was string) string {
	if was == "" {
		was = "INFO"
	}
	return or(asked, was)
}

// modifiedNow is the time as LastModified shows it.
func modifiedNow() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// nextGeneration returns a number above the one before. It rises with the clock, so that
// a function made again under the name of a deleted one does not look like it to a pool.
func nextGeneration(before uint64) uint64 {
	return max(uint64(time.Now().UnixNano()), before+1)
}
