package lambda

// The values of SnapStart.ApplyOn.
const (
	SnapStartNone     = "None"
	SnapStartVersions = "PublishedVersions"
)

// MaxSnapStartTmp is the most /tmp, in MiB, that a function with SnapStart may have.
// Source: AWS Lambda Developer Guide, "Improving startup performance with Lambda SnapStart".
const MaxSnapStartTmp = 512

// SnapStarts reports whether instances of the version are restored: $LATEST's never are.
func (v *Version) SnapStarts() bool {
	return v.SnapStart == SnapStartVersions && v.Version != Latest
}

// Optimized reports whether the version's starts are restores now: it has been initialised
// once, without an error, and is active.
func (v *Version) Optimized() bool { return v.SnapStarts() && v.State == "Active" }

// SnapStarts reports whether instances are initialised ahead and restored. Where they are given
// several requests at once they are not: each worker of such an instance would have hooks
// of its own.
func (t *Target) SnapStarts() bool { return t.Version.SnapStarts() && !t.Shared() }

// InitFailure is how a function's initialisation failed that no request waited for.
type InitFailure struct {
	Type string // of the error, as the log shows it: "Runtime.ImportModuleError"
}

// Error returns the error's type.
func (e *InitFailure) Error() string { return e.Type }
