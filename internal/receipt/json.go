package receipt

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// document is the JSON form: times in milliseconds with three decimals, memory in
// bytes. The tail of the log is not part of it.
type document struct {
	RequestID  string         `json:"requestId"`
	Version    string         `json:"version"`
	TenantID   string         `json:"tenantId,omitempty"`
	Isolation  string         `json:"isolation,omitempty"` // "" = refused before a tier was known
	Emulated   bool           `json:"emulated,omitempty"`
	Network    lambda.Network `json:"network,omitempty"`
	Start      StartKind      `json:"start"`
	Why        string         `json:"why,omitempty"`
	Class      string         `json:"class,omitempty"`
	Fault      string         `json:"fault,omitempty"`
	Arrived    time.Time      `json:"arrived"`
	Phases     phaseMap       `json:"phases"`
	WallMS     float64        `json:"wallMs"`
	MemoryPeak int64          `json:"memoryPeakBytes"`
	MemorySize int            `json:"memoryMB,omitempty"`
	Cost       *Cost          `json:"costUSD,omitempty"`
	usedDocument
	Neighbours []neighbourDocument `json:"neighbours,omitempty"`
}

// usedDocument leaves out what is not known.
type usedDocument struct {
	Shared        bool     `json:"shared,omitempty"`
	CPUs          int      `json:"cpus,omitempty"`
	CPUMS         *float64 `json:"cpuMs,omitempty"`
	ThrottledMS   *float64 `json:"throttledMs,omitempty"`
	WaitingMS     *float64 `json:"waitingMs,omitempty"`
	HostWaitingMS *float64 `json:"hostWaitingMs,omitempty"`
	MemoryStallMS *float64 `json:"memoryStallMs,omitempty"`
	IOStallMS     *float64 `json:"ioStallMs,omitempty"`
	Faults        *int64   `json:"pageFaults,omitempty"`
	MajorFaults   *int64   `json:"majorPageFaults,omitempty"`
	ReadBytes     *int64   `json:"readBytes,omitempty"`
	WrittenBytes  *int64   `json:"writtenBytes,omitempty"`
}

type neighbourDocument struct {
	Function string  `json:"function"`
	CPUMS    float64 `json:"cpuMs"`
}

// phaseMap holds milliseconds by a phase's name, in the order of the phases.
type phaseMap struct {
	Queue    float64 `json:"queue"`
	Sandbox  float64 `json:"sandbox"`
	Boot     float64 `json:"boot,omitempty"` // this and the next two: of machines
	Resume   float64 `json:"restore,omitempty"`
	Attach   float64 `json:"attach,omitempty"`
	Runtime  float64 `json:"runtime"`
	Init     float64 `json:"init"`
	Handler  float64 `json:"handler"`
	Response float64 `json:"response"`
}

// MarshalJSON implements json.Marshaler.
func (r Receipt) MarshalJSON() ([]byte, error) {
	return json.Marshal(document{
		RequestID: r.RequestID, Version: r.Version, TenantID: r.Tenant, Isolation: isolation(r.Tier), Emulated: r.Emulated, Network: r.Network,
		Start: r.Start, Why: r.Why, Class: r.Class.String(), Fault: r.Fault, Arrived: r.Arrived,
		Phases: phasesOf(r.Spent), WallMS: rounded(r.Wall()),
		MemoryPeak: r.MemoryPeak, MemorySize: r.MemorySize, Cost: priced(r.Cost), usedDocument: r.Used.document(), Neighbours: neighboursOf(r.Neighbours),
	})
}

func (u *Used) document() usedDocument {
	return usedDocument{
		u.Shared, u.CPUs, written(u.CPU), written(u.Throttled), written(u.Waiting), written(u.HostWaiting), written(u.MemoryStall), written(u.IOStall),
		counted(u.Faults), counted(u.MajorFaults), counted(u.ReadBytes), counted(u.WrittenBytes),
	}
}

func (d *usedDocument) used() Used {
	return Used{
		d.Shared, max(d.CPUs, 0), taken(d.CPUMS), taken(d.ThrottledMS), taken(d.WaitingMS), taken(d.HostWaitingMS), taken(d.MemoryStallMS), taken(d.IOStallMS),
		recounted(d.Faults), recounted(d.MajorFaults), recounted(d.ReadBytes), recounted(d.WrittenBytes),
	}
}

func written(a Amount[time.Duration]) *float64 {
	if !a.Known {
		return nil
	}
	ms := rounded(a.Value)
	return &ms
}

func taken(ms *float64) (a Amount[time.Duration]) {
	if ms != nil {
		a = Of(duration(*ms))
	}
	return a
}

func counted(a Amount[int64]) *int64 {
	if !a.Known {
		return nil
	}
	return &a.Value
}

func recounted(n *int64) (a Amount[int64]) {
	if n != nil {
		a = Of(max(*n, 0))
	}
	return a
}

func neighboursOf(all []Neighbour) (list []neighbourDocument) {
	for _, n := range all {
		list = append(list, neighbourDocument{n.Function, rounded(n.CPU)})
	}
	return list
}

func neighbours(list []neighbourDocument) (all []Neighbour) {
	for _, n := range list {
		all = append(all, Neighbour{n.Function, duration(n.CPUMS)})
	}
	return all
}

// UnmarshalJSON implements json.Unmarshaler. It reads what MarshalJSON wrote; the
// wall time is the sum of the phases again and is not read.
func (r *Receipt) UnmarshalJSON(data []byte) error {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return fmt.Errorf("reading a receipt: %w", err)
	}
	tier, err := tierOf(d.Isolation)
	if err != nil {
		return fmt.Errorf("reading a receipt: %w", err)
	}
	class, err := classOf(d.Class)
	if err != nil {
		return fmt.Errorf("reading a receipt: %w", err)
	}
	*r = Receipt{
		RequestID: d.RequestID, Version: d.Version, Tenant: d.TenantID, Tier: tier, Emulated: d.Emulated, Network: d.Network, Class: class,
		Start: d.Start, Why: d.Why, Fault: d.Fault, Arrived: d.Arrived,
		Spent: d.Phases.spent(), MemoryPeak: d.MemoryPeak, MemorySize: d.MemorySize,
		Used: d.used(), Neighbours: neighbours(d.Neighbours),
	}
	return nil
}

// priced leaves out what is not known.
func priced(c Cost) *Cost {
	if c == (Cost{}) {
		return nil
	}
	return &c
}

func isolation(t lambda.Tier) string {
	if t == 0 {
		return ""
	}
	return t.String()
}

func tierOf(isolation string) (lambda.Tier, error) {
	if isolation == "" {
		return 0, nil
	}
	return lambda.ParseTier(isolation)
}

func classOf(name string) (lambda.Class, error) {
	if name == "" {
		return 0, nil
	}
	return lambda.ParseClass(name)
}

func phasesOf(s [phases]time.Duration) phaseMap {
	return phaseMap{
		rounded(s[Queue]), rounded(s[Sandbox]), rounded(s[Boot]), rounded(s[Resume]), rounded(s[Attach]), rounded(s[Runtime]),
		rounded(s[Init]), rounded(s[Handler]), rounded(s[Response]),
	}
}

func (m phaseMap) spent() [phases]time.Duration {
	return [phases]time.Duration{
		Queue: duration(m.Queue), Sandbox: duration(m.Sandbox), Boot: duration(m.Boot), Resume: duration(m.Resume), Attach: duration(m.Attach), Runtime: duration(m.Runtime),
		Init: duration(m.Init), Handler: duration(m.Handler), Response: duration(m.Response),
	}
}

// rounded is d in milliseconds with three decimals.
func rounded(d time.Duration) float64 { return math.Round(milliseconds(d)*1000) / 1000 }
