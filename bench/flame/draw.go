package main

import (
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"strings"
)

// frame is a function with all samples that were seen in it, called from where it is.
type frame struct {
	call
	samples int
	above   map[call]*frame
}

func newFrame(name string, k kind) *frame {
	return &frame{call: call{name, k}, above: map[call]*frame{}}
}

func (f *frame) add(s stack) {
	f.samples++
	if len(s) == 0 {
		return
	}
	next := f.above[s[0]]
	if next == nil {
		next = newFrame(s[0].name, s[0].kind)
		f.above[s[0]] = next
	}
	next.add(s[1:])
}

// Sizes of the picture in pixels. Frames that are narrower than narrowest are left out.
const (
	width     = 1200.0
	rowHeight = 16.0
	head      = 30.0
	narrowest = 1.0
	perLetter = 6.6
)

// picture is where frames are drawn.
type picture struct {
	out     io.Writer
	samples int // in all
	floor   float64
}

// draw writes the graph. Writing errors are the buffer's to keep.
func draw(out io.Writer, title string, all *frame) {
	height := head + rowHeight*float64(tall(all, all.samples)) + rowHeight
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="monospace" font-size="11">`+"\n", width, height)
	fmt.Fprintln(out, "<style>rect{height:15px} text{pointer-events:none}</style>")
	fmt.Fprintf(out, `<rect width="100%%" style="height:100%%" fill="#fff"/><text x="8" y="18" font-size="13">%s</text>`+"\n", escaped(title))
	p := picture{out, all.samples, height - 2*rowHeight}
	p.frame(all, 0, 0)
	fmt.Fprintln(out, "</svg>")
}

// tall is how many rows are wide enough to be seen.
func tall(f *frame, samples int) int {
	if wide(f.samples, samples) < narrowest {
		return 0
	}
	most := 0
	for _, above := range f.above {
		most = max(most, tall(above, samples))
	}
	return most + 1
}

func wide(part, samples int) float64 { return width * float64(part) / float64(samples) }

// frame draws a frame and what stands above it, and leaves out what is too narrow.
func (p *picture) frame(f *frame, x float64, row int) {
	w := wide(f.samples, p.samples)
	if w < narrowest {
		return
	}
	y := p.floor - rowHeight*float64(row)
	share := 100 * float64(f.samples) / float64(p.samples)
	fmt.Fprintf(p.out, `<rect x="%.1f" y="%.0f" width="%.1f" fill="%s"><title>%s: %.2f %%</title></rect>`+"\n",
		x, y, w-0.3, colour(f.call), escaped(f.name), share)
	if label := fitting(f.name, w); label != "" {
		fmt.Fprintf(p.out, `<text x="%.1f" y="%.0f">%s</text>`+"\n", x+2, y+11, escaped(label))
	}
	for _, above := range f.sorted() {
		p.frame(above, x, row+1)
		x += wide(above.samples, p.samples)
	}
}

// sorted are the frames above by name, so that two pictures can be compared.
func (f *frame) sorted() []*frame {
	return slices.SortedFunc(maps.Values(f.above), func(a, b *frame) int {
		return strings.Compare(a.name, b.name)
	})
}

// fitting shortens a name to a width. The end tells more than the beginning, which is a
// package's path.
func fitting(name string, w float64) string {
	letters := []rune(name)
	room := int((w - 4) / perLetter)
	switch {
	case len(letters) <= room:
		return name
	case room < 4:
		return ""
	}
	return "…" + string(letters[len(letters)-room+1:])
}

// colour is warm for the kernel and cool for programs; the same name has the same one.
func colour(c call) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(c.name)) // never fails, see hash.Hash
	shade := h.Sum32()
	if c.kind == kernel {
		return fmt.Sprintf("hsl(%d,85%%,%d%%)", 18+shade%28, 66+shade>>8%10)
	}
	return fmt.Sprintf("hsl(%d,45%%,%d%%)", 150+shade%60, 70+shade>>8%10)
}

// escaped also replaces what XML cannot hold.
func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}
