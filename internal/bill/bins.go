package bill

import "github.com/HdrHistogram/hdrhistogram-go"

// A Bin is how many times lie between two, in ms; what is as long as From is in it.
type Bin struct {
	From float64 `json:"from_ms"`
	To   float64 `json:"to_ms"`
	N    int64   `json:"n"`
}

// inits is how Init and Restore of all functions are spread.
func (w *writer) inits() []Bin {
	all := newHistogram()
	for _, a := range w.accounts {
		all.Merge(a.inits)
	}
	return bins(all)
}

// bins counts in steps of 1, 2, 5, 10 and so on, from the first that has any to the last.
func bins(h *hdrhistogram.Histogram) []Bin {
	var all []Bin
	bin := Bin{To: 1}
	for _, bar := range h.Distribution() { // ascending, in µs, each as wide as a thousandth
		if bar.Count == 0 {
			continue
		}
		for float64(bar.To)/1000 >= bin.To {
			if all != nil || bin.N > 0 {
				all = append(all, bin)
			}
			bin = Bin{From: bin.To, To: next(bin.To)}
		}
		bin.N += bar.Count
	}
	if bin.N > 0 {
		all = append(all, bin)
	}
	return all
}

// next is the step after one.
func next(step float64) float64 {
	first := step
	for first >= 10 {
		first /= 10
	}
	if first == 2 {
		return step / 2 * 5
	}
	return step * 2
}
