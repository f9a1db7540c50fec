package lambda

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// Runs returns the state of $LATEST that invocations meet.
func (fn *Function) Runs() *Version {
	if fn.Serving != nil {
		return fn.Serving
	}
	return &fn.Latest
}

// Each calls f for every state of a version that is kept: $LATEST, what serves in its
// stead, and the published ones.
func (fn *Function) Each(f func(*Version)) {
	f(&fn.Latest)
	if fn.Serving != nil {
		f(fn.Serving)
	}
	for i := range fn.Published {
		f(&fn.Published[i])
	}
}

// Find returns the version that a qualifier names: "" and "$LATEST" the unpublished one,
// a number a published one, an alias the version that it points at first. It is nil if
// there is none.
func (fn *Function) Find(qualifier string) *Version {
	if qualifier == "" || qualifier == Latest {
		return &fn.Latest
	}
	if alias := fn.Alias(qualifier); alias != nil {
		qualifier = alias.Version
		if qualifier == Latest {
			return &fn.Latest
		}
	}
	for i := range fn.Published {
		if fn.Published[i].Version == qualifier {
			return &fn.Published[i]
		}
	}
	return nil
}

// Alias returns the alias of a name, nil if there is none.
func (fn *Function) Alias(name string) *Alias {
	for i := range fn.Aliases {
		if fn.Aliases[i].Name == name {
			return &fn.Aliases[i]
		}
	}
	return nil
}

// HighestVersion is the highest number that was ever published, 0 if none was.
func (fn *Function) HighestVersion() int {
	highest := fn.LastVersion
	for i := range fn.Published {
		if n, err := strconv.Atoi(fn.Published[i].Version); err == nil {
			highest = max(highest, n)
		}
	}
	return highest
}

// Routes reports whether invocations of the alias may run a version.
func (a *Alias) Routes(version string) bool {
	_, weighted := a.Weights[version]
	return weighted || a.Version == version
}

// Content identifies code and configuration of a version: two with the same content
// differ at most in number, state and times.
func (v *Version) Content() string {
	c := *v
	c.Version, c.PublishedFrom, c.RevisionID = "", "", ""
	c.State, c.StateReason, c.StateReasonCode = "", "", ""
	c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = "", "", ""
	c.LastModified, c.Generation = time.Time{}, 0
	if c.Capacity != nil {
		own := *c.Capacity
		own.Settings = nil // the provider's, not the version's
		c.Capacity = &own
	}
	doc, _ := json.Marshal(c) // plain data: cannot fail
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}
