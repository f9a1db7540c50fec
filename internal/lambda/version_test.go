package lambda

import (
	"testing"
	"time"
)

func TestFind(t *testing.T) {
	fn := Function{
		Latest: Version{Version: Latest}, Published: []Version{{Version: "1"}, {Version: "3"}},
		Aliases: []Alias{{Name: "live", Version: "3"}, {Name: "new", Version: Latest}, {Name: "lost", Version: "2"}},
	}
	for qualifier, want := range map[string]string{"": Latest, Latest: Latest, "1": "1", "3": "3", "live": "3", "new": Latest} {
		if v := fn.Find(qualifier); v == nil || v.Version != want {
			t.Errorf("%q: %v, want %s", qualifier, v, want)
		}
	}
	for _, qualifier := range []string{"2", "lost", "other", "Live"} {
		if v := fn.Find(qualifier); v != nil {
			t.Errorf("%q: %v", qualifier, v)
		}
	}
}

func TestHighestVersionOutlivesDeletion(t *testing.T) {
	for _, tt := range []struct {
		fn   Function
		want int
	}{
		{Function{}, 0},
		{Function{Published: []Version{{Version: "9"}, {Version: "10"}}}, 10},
		{Function{LastVersion: 12, Published: []Version{{Version: "10"}}}, 12},
	} {
		if got := tt.fn.HighestVersion(); got != tt.want {
			t.Errorf("%+v: %d", tt.fn, got)
		}
	}
}

func TestContentIsCodeAndConfiguration(t *testing.T) {
	v := Version{Version: Latest, Handler: "a.b", Environment: map[string]string{"A": "1", "B": "2"}}
	same := v
	same.Version, same.State, same.LastUpdateStatus, same.RevisionID = "7", "Active", "Failed", "x"
	same.LastModified, same.Generation, same.PublishedFrom = time.Now(), 9, "y"
	same.Environment = map[string]string{"B": "2", "A": "1"}
	if v.Content() != same.Content() {
		t.Error("state and number are part of the content")
	}
	for name, change := range map[string]func(*Version){
		"code":        func(v *Version) { v.Code.Digest = "d" },
		"description": func(v *Version) { v.Description = "d" },
		"variable":    func(v *Version) { v.Environment = map[string]string{"A": "1"} },
		"empty":       func(v *Version) { v.EnvironmentSet = true },
		"layer":       func(v *Version) { v.Layers = []LayerRef{{ARN: "l"}} },
	} {
		other := v
		if change(&other); other.Content() == v.Content() {
			t.Errorf("%s is no part of the content", name)
		}
	}
}

func TestEachVisitsWhatServes(t *testing.T) {
	fn := Function{Latest: Version{Handler: "new"}, Serving: &Version{Handler: "old"}, Published: []Version{{Handler: "one"}}}
	seen := ""
	fn.Each(func(v *Version) { seen += v.Handler + " "; v.Generation = 5 })
	if seen != "new old one " || fn.Serving.Generation+fn.Published[0].Generation+fn.Latest.Generation != 15 {
		t.Errorf("%s %+v", seen, fn)
	}
	if fn.Runs().Handler != "old" {
		t.Error("$LATEST runs before its update is done")
	}
	if fn.Serving = nil; fn.Runs().Handler != "new" {
		t.Error("$LATEST does not run")
	}
}
