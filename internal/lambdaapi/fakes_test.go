package lambdaapi

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lambent.dev/lambent/internal/blob"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/store"
)

// memory is a store, a blob store and a directory in one.
type memory struct {
	mu        sync.Mutex
	functions map[lambda.FunctionID]lambda.Function
	blobMu    sync.Mutex // guards blobs: they are read while a function is changed
	blobs     map[string][]byte
	directory map[lambda.FunctionID]lambda.Function
	layers
	providers
	writes int
	broken error // what every call answers, if set
}

func newMemory() *memory {
	return &memory{
		functions: map[lambda.FunctionID]lambda.Function{}, blobs: map[string][]byte{},
		directory: map[lambda.FunctionID]lambda.Function{},
	}
}

func (m *memory) setBroken(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

func (m *memory) CreateFunction(_ context.Context, fn lambda.Function) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.functions[fn.ID]; ok {
		return store.ErrExists
	}
	m.functions[fn.ID] = clone(fn)
	m.writes++
	return m.broken
}

func (m *memory) Function(_ context.Context, id lambda.FunctionID) (lambda.Function, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fn, ok := m.functions[id]
	if !ok {
		return lambda.Function{}, errors.Join(m.broken, store.ErrNotFound)
	}
	return clone(fn), m.broken
}

func (m *memory) UpdateFunction(_ context.Context, id lambda.FunctionID, change func(*lambda.Function) error) (lambda.Function, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fn, ok := m.functions[id]
	if !ok {
		return lambda.Function{}, store.ErrNotFound
	}
	fn = clone(fn)
	if err := change(&fn); err != nil {
		return lambda.Function{}, err
	}
	m.functions[id] = fn
	m.writes++
	return clone(fn), nil
}

func (m *memory) DeleteFunction(_ context.Context, id lambda.FunctionID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.functions[id]; !ok {
		return store.ErrNotFound
	}
	delete(m.functions, id)
	m.writes++
	return nil
}

func (m *memory) Functions(_ context.Context, account, region, after string, limit int) ([]lambda.Function, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []lambda.Function
	for id, fn := range m.functions {
		if id.Account == account && id.Region == region && id.Name > after {
			out = append(out, clone(fn))
		}
	}
	slices.SortFunc(out, func(a, b lambda.Function) int { return strings.Compare(a.ID.Name, b.ID.Name) })
	return out[:min(limit, len(out))], m.broken
}

func (m *memory) All(_ context.Context, yield func(lambda.Function) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, fn := range m.functions {
		if err := yield(clone(fn)); err != nil {
			return err
		}
	}
	return m.broken
}

func (m *memory) Usage(_ context.Context, account, region string) (functions, claimed int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, fn := range m.functions {
		if id.Account == account && id.Region == region {
			functions++
			claimed += fn.ClaimedConcurrency()
		}
	}
	return functions, claimed, m.broken
}

// CodeSize counts as package storetest demands it.
func (m *memory) CodeSize(_ context.Context, account string) (size int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, fn := range m.functions {
		if fn.ID.Account == account {
			size += fn.CodeSize()
		}
	}
	for _, v := range m.sorted() {
		if v.ID.Account == account {
			size += v.Code.Size
		}
	}
	return size, m.broken
}

// providers are the capacity providers of a memory.
type providers struct {
	mu   sync.Mutex
	kept map[lambda.ProviderID]lambda.CapacityProvider
}

func (p *providers) CreateProvider(_ context.Context, one lambda.CapacityProvider) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.kept[one.ID]; ok {
		return store.ErrExists
	}
	if p.kept == nil {
		p.kept = map[lambda.ProviderID]lambda.CapacityProvider{}
	}
	p.kept[one.ID] = one
	return nil
}

func (p *providers) Provider(_ context.Context, id lambda.ProviderID) (lambda.CapacityProvider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, ok := p.kept[id]
	if !ok {
		return one, store.ErrNotFound
	}
	return one, nil
}

func (p *providers) UpdateProvider(_ context.Context, id lambda.ProviderID, change func(*lambda.CapacityProvider) error) (lambda.CapacityProvider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, ok := p.kept[id]
	if !ok {
		return one, store.ErrNotFound
	}
	if err := change(&one); err != nil {
		return lambda.CapacityProvider{}, err
	}
	p.kept[id] = one
	return one, nil
}

func (p *providers) DeleteProvider(_ context.Context, id lambda.ProviderID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.kept[id]; !ok {
		return store.ErrNotFound
	}
	delete(p.kept, id)
	return nil
}

func (p *providers) Providers(_ context.Context, account, region, after string, limit int) ([]lambda.CapacityProvider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []lambda.CapacityProvider
	for id, one := range p.kept {
		if id.Account == account && id.Region == region && id.Name > after {
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b lambda.CapacityProvider) int { return strings.Compare(a.ID.Name, b.ID.Name) })
	return out[:min(limit, len(out))], nil
}

func clone(fn lambda.Function) lambda.Function {
	fn.Published = slices.Clone(fn.Published)
	fn.Tags = maps.Clone(fn.Tags)
	fn.Policies = maps.Clone(fn.Policies)
	fn.EventInvoke = maps.Clone(fn.EventInvoke)
	fn.Provisioned = maps.Clone(fn.Provisioned)
	fn.Aliases = slices.Clone(fn.Aliases)
	if fn.Serving != nil {
		serving := *fn.Serving
		fn.Serving = &serving
	}
	return fn
}

func (m *memory) Put(_ context.Context, r io.Reader, limit int64) (blob.Info, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil || int64(len(data)) > limit {
		return blob.Info{}, errors.Join(err, blob.ErrTooLarge)
	}
	sum := sha256.Sum256(data)
	m.blobMu.Lock()
	defer m.blobMu.Unlock()
	info := blob.InfoOf(sum, int64(len(data)))
	m.blobs[info.Digest] = data
	return info, nil
}

func (m *memory) Open(_ context.Context, digest string) (blob.Reader, error) {
	m.blobMu.Lock()
	defer m.blobMu.Unlock()
	data, ok := m.blobs[digest]
	if !ok {
		return nil, blob.ErrNotFound
	}
	return stored{bytes.NewReader(data)}, nil
}

// stored is a blob in memory.
type stored struct{ *bytes.Reader }

func (stored) Close() error { return nil }

// index is the directory's face of a memory.
type index struct{ *memory }

func (i index) Put(fn lambda.Function) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.directory[fn.ID] = fn
	return nil
}

// Provisioned knows nothing of instances: all is still in progress.
func (i index) Provisioned(lambda.FunctionID, string) lambda.ProvisionedState {
	return lambda.ProvisionedState{Status: lambda.ProvisionedInProgress}
}

func (i index) Remove(id lambda.FunctionID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.directory, id)
}

// host stands for packages, runtimes and tiers; its faults are data.
type host struct {
	mu      sync.Mutex // guards unpack where a test changes it while functions are activated
	unpack  error      // Folder's answer
	layers  error      // Layers' answer
	runtime error      // Resolve's answer
	held    chan struct{}
	init    error // Snapshot's answer
}

// Snapshot implements Snapshotter.
func (h *host) Snapshot(context.Context, *lambda.Function, string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.init
}

func (h *host) Folder(ctx context.Context, _ string) (string, error) {
	if h.held != nil {
		select {
		case <-h.held:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return "/code", h.unpack
}

// set changes what unpacking comes to.
func (h *host) set(unpack error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unpack = unpack
}

func (h *host) Resolve(v *lambda.Version) (runtimes.Launch, error) {
	if h.runtime == nil && v.Runtime == "go1.x" {
		return runtimes.Launch{}, runtimes.ErrUnavailable
	}
	return runtimes.Launch{}, h.runtime
}

func (h *host) Offers(t lambda.Tier) error {
	if t == lambda.TierLight {
		return nil
	}
	return errors.New("no driver for it is there")
}

func (h *host) Emulates(t lambda.Tier) bool { return t == lambda.TierMicroVM }

// router answers invocations as a test wants it to.
type router func(inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error)

func (r router) Invoke(_ context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	return r(inv, sink)
}

// events takes events as a test wants it to.
type events func(inv *lambda.Invocation) error

func (e events) Accept(_ context.Context, inv *lambda.Invocation) error { return e(inv) }

// echo answers with the event.
func echo(inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	_ = sink.Head(lambda.Head{})
	_, _ = sink.Write(inv.Payload)
	sink.Finish(nil)
	return receipt.Receipt{RequestID: inv.RequestID, Version: lambda.Latest, Tier: lambda.TierLight, Start: receipt.Warm}, nil
}

// bench is a server on fakes, with its activation running.
type bench struct {
	*Server
	t      *testing.T
	memory *memory
	host   *host
	signer func(http.Handler) http.Handler // signs what is sent; nil = nobody does
}

func newBench(t *testing.T, change ...func(*Deps)) *bench {
	t.Helper()
	m, h := newMemory(), &host{}
	d := Deps{Store: m, Blobs: m, Packages: h, Runtimes: h, Invoker: router(echo), Events: events(func(*lambda.Invocation) error { return nil }), Directory: index{m}, Provisioner: index{m}, Snapshotter: h, Tiers: h, Networks: anyNetwork{}}
	for _, f := range change {
		f(&d)
	}
	return &bench{New(d), t, m, h, nil}
}

// run activates functions until the test ends.
func (b *bench) run() {
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	b.t.Cleanup(func() {
		cancel(errors.New("test is over"))
		if err := <-done; err != nil {
			b.t.Errorf("Run: %v", err)
		}
	})
}

// reply is an answer, read.
type reply struct {
	*httptest.ResponseRecorder
	fields map[string]any
}

func (r reply) text() string {
	for _, key := range []string{"message", "Message"} {
		if s, ok := r.fields[key].(string); ok {
			return s
		}
	}
	return ""
}

func (r reply) kind() string { return r.Header().Get("X-Amzn-Errortype") }

// do sends a request; header holds names and values in turn.
func (b *bench) do(method, target, body string, header ...string) reply {
	b.t.Helper()
	if b.signer != nil {
		return send(b.signer(b.Handler()), method, target, body, header...)
	}
	return send(b.Handler(), method, target, body, header...)
}

func send(h http.Handler, method, target, body string, header ...string) reply {
	r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body))
	r.Method = method
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = path, "", query
	if u, err := url.ParseRequestURI(path); err == nil { // as net/http does
		r.URL.Path, r.URL.RawPath = u.Path, u.RawPath
	}
	r.Host = "127.0.0.1:9700"
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	out := reply{ResponseRecorder: w}
	_ = json.Unmarshal(w.Body.Bytes(), &out.fields)
	return out
}

const functions = "/2015-03-31/functions"

// request is a good body of CreateFunction with some members changed; nil removes one.
func request(changes map[string]any) string {
	body := map[string]any{
		"FunctionName": "thumbnail",
		"Role":         "arn:aws:iam::000000000000:role/lambda",
		"Runtime":      "python3.12",
		"Handler":      "app.handler",
		"Code":         map[string]any{"ZipFile": goodZip()},
	}
	for key, value := range changes {
		if body[key] = value; value == nil {
			delete(body, key)
		}
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

func goodZip() []byte { return zipOf("app.py") }

// zipOf is a zip with one file of that name.
func zipOf(name string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, _ := w.Create(name)
	_, _ = f.Write([]byte("def handler(event, context):\n    return event\n"))
	_ = w.Close()
	return b.Bytes()
}

// create makes a function and waits until it is active.
func (b *bench) create(changes map[string]any) reply {
	b.t.Helper()
	r := b.do("POST", functions, request(changes))
	if r.Code != http.StatusCreated {
		b.t.Fatalf("create: %d %s", r.Code, r.Body)
	}
	return r
}

// await polls until a function is in a state.
func (b *bench) await(name, state string) reply {
	b.t.Helper()
	for range 500 {
		r := b.do("GET", functions+"/"+name+"/configuration", "")
		if r.fields["State"] == state {
			return r
		}
		time.Sleep(2 * time.Millisecond)
	}
	b.t.Fatalf("%s did not become %s", name, state)
	return reply{}
}

// anyNetwork is a host that offers every profile.
type anyNetwork struct{}

func (anyNetwork) Offers(lambda.Tier, lambda.Network, lambda.Reach) error { return nil }
