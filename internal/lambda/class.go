package lambda

import "fmt"

// Class says what an invocation's time is worth: those of the latency class come first,
// those of the batch class take what is left.
type Class int

// The classes. The zero value is for "by the invocation's type".
const (
	ClassLatency Class = iota + 1
	ClassBatch
)

// ClassTag is the tag that sets a function's class.
const ClassTag = "lambent:class"

var classNames = [...]string{ClassLatency: "latency", ClassBatch: "batch"}

// String returns the class's name as the tag writes it; "" for none.
func (c Class) String() string {
	if c < 0 || int(c) >= len(classNames) {
		return fmt.Sprintf("class(%d)", int(c))
	}
	return classNames[c]
}

// ParseClass reads a class's name.
func ParseClass(name string) (Class, error) {
	for c := ClassLatency; c <= ClassBatch; c++ {
		if classNames[c] == name {
			return c, nil
		}
	}
	return 0, fmt.Errorf("unknown class %q: use latency or batch", name)
}

// Class is the function's class if its tag sets one. Else an invocation that somebody
// waits for is of the latency class, and an event of the batch class.
func (inv *Invocation) Class() Class {
	switch {
	case inv.Target != nil && inv.Target.Class != 0:
		return inv.Target.Class
	case inv.Type == Event:
		return ClassBatch
	}
	return ClassLatency
}
