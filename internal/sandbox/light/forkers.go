package light

import (
	"context"
	"sync"
	"time"
)

// A zygote is renewed after a while: its children share the layout of its memory and the
// seed of its hashes, which nobody should have long to learn.
const (
	zygoteAge   = time.Hour
	zygoteForks = 10_000
	// zygotePause is how long a template does without one that failed to start.
	zygotePause = 10 * time.Second
)

// forkers keeps a template's zygote ready and renews it in the background.
type forkers struct {
	template *template
	ctx      context.Context // of renewals
	stop     context.CancelCauseFunc
	renewal  sync.WaitGroup

	mu       sync.Mutex // protects the fields below
	now      *forker    // nil: none
	renewing bool
	resume   time.Time // not to be renewed before
	closed   bool
}

// newForkers starts the first zygote of a template whose preload has one. Where that
// fails its interpreters are executed, and the log says why.
func newForkers(ctx context.Context, t *template) *forkers {
	if t.preload == nil || t.preload.Zygote == nil {
		return nil
	}
	k := &forkers{template: t}
	k.ctx, k.stop = context.WithCancelCause(context.Background())
	k.put(t.startForker(ctx))
	return k
}

// put takes a new zygote in; the old one stays for as long as it has children.
func (k *forkers) put(f *forker, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.renewing = false
	if err != nil {
		k.resume = time.Now().Add(zygotePause)
		if !k.closed {
			k.template.driver.options.Log.Warn("interpreters are started without a zygote", "error", err)
		}
		return
	}
	old := k.now
	k.now = f
	if old != nil {
		old.retire()
	}
	if k.closed {
		f.retire()
	}
}

// current returns the zygote to fork from; nil = there is none now. It waits for nothing.
func (k *forkers) current() *forker {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now != nil && k.now.hasEnded() {
		k.now = nil
	}
	if k.now == nil || k.now.isOld() {
		k.renew()
	}
	return k.now
}

// renew starts another zygote. Preconditions: mu is held.
func (k *forkers) renew() {
	if k.renewing || k.closed || time.Now().Before(k.resume) {
		return
	}
	k.renewing = true
	k.renewal.Go(func() { k.put(k.template.startForker(k.ctx)) })
}

func (f *forker) hasEnded() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended
}

func (f *forker) isOld() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Since(f.born) > zygoteAge || f.last > zygoteForks
}

// close retires the zygote. One without children is gone when close returns.
func (k *forkers) close() {
	if k == nil {
		return
	}
	k.mu.Lock()
	k.closed = true
	k.stop(errPoolClosed)
	k.mu.Unlock()
	k.renewal.Wait()
	k.mu.Lock()
	f := k.now
	k.now = nil
	k.mu.Unlock()
	if f == nil {
		return
	}
	f.retire()
	if f.isChildless() {
		<-f.done
	}
}

func (f *forker) isChildless() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.children) == 0
}
