package http1

import (
	"net/http"
	"sync/atomic"
	"time"
)

// stamp is the text of a second. It is made once for all that is answered in it.
type stamp struct {
	second int64
	text   string
}

// dates has the last one.
type dates struct{ last atomic.Pointer[stamp] }

// date is now as the field Date has it.
func (d *dates) date(now time.Time) string {
	second := now.Unix()
	if s := d.last.Load(); s != nil && s.second == second {
		return s.text
	}
	s := &stamp{second, now.UTC().Format(http.TimeFormat)}
	d.last.Store(s)
	return s.text
}
