package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

const sample = `init
	ffffffff816c2f1f bprm_execve ([kernel.kallsyms])
	          406cf5 runtime.(*mheap).init (/.lambent/init)
	          406d05 [unknown] (/.lambent/init)
	          406d09 [unknown] (/.lambent/init)

kworker/u8:1-kv
	ffffffff813aa cleanup_net ([kernel.kallsyms])

kworker/0:2
	ffffffff813aa cleanup_net ([kernel.kallsyms])
perf
	     1234 main (/usr/bin/perf)
`

func TestStacksAreRead(t *testing.T) {
	var got []string
	if err := read(strings.NewReader(sample), func(s stack) { got = append(got, s.String()) }); err != nil {
		t.Fatal(err)
	}
	want := "lambent-init, in a box;[init];runtime.(*mheap).init;bprm_execve\nkworker;cleanup_net\nkworker;cleanup_net\nperf;main"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

func TestPictureHasSharesAndLeavesOutWhatIsSkipped(t *testing.T) {
	var out bytes.Buffer
	if err := run([]string{"-title", "a < b", "-skip", "^perf;"}, strings.NewReader(sample), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a &lt; b", "cleanup_net: 66.67 %", "bprm_execve: 33.33 %", "runtime.(*mheap).init"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "perf") {
		t.Error("what was to be left out is there")
	}
}

func TestNothingToDrawIsSaid(t *testing.T) {
	if err := run(nil, strings.NewReader("\n"), io.Discard); err == nil {
		t.Error("a picture of no samples was drawn")
	}
}

// FuzzPicture: whatever perf prints, the picture is XML, or an error says why not.
func FuzzPicture(f *testing.F) {
	f.Add(sample)
	f.Add("a\n\t\n\t(\n\tffff )\n")
	f.Add("x\n\t1 <&> (y) (z)\n")
	f.Fuzz(func(t *testing.T, text string) {
		var out bytes.Buffer
		if run(nil, strings.NewReader(text), &out) != nil {
			return
		}
		for d := xml.NewDecoder(&out); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
}
