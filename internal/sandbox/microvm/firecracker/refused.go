package firecracker

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Refused is an answer that is no success.
type Refused struct {
	Method, Path string
	Status       int    // of HTTP
	Fault        string // Firecracker's words; "" = it said none
}

// Error says what to do, where a person can do something.
func (r *Refused) Error() string {
	text := fmt.Sprintf("Firecracker refuses %s %s (%d): %s", r.Method, r.Path, r.Status, r.Fault)
	for _, known := range nextSteps() {
		if strings.Contains(strings.ToLower(r.Fault), known.words) {
			return text + ": " + known.step
		}
	}
	return text
}

// longestFault bounds what of Firecracker's words is passed on, in bytes.
const longestFault = 1 << 10

func refusal(method, path string, status int, said []byte) *Refused {
	var body struct {
		Fault string `json:"fault_message"`
	}
	if json.Unmarshal(said, &body) != nil || body.Fault == "" {
		body.Fault = strings.ToValidUTF8(string(said), "?")
	}
	if len(body.Fault) > longestFault {
		body.Fault = strings.ToValidUTF8(body.Fault[:longestFault], "?")
	}
	return &Refused{Method: method, Path: path, Status: status, Fault: body.Fault}
}

// nextStep is what to do when a fault has these words, in lower case. The first that fits holds.
type nextStep struct{ words, step string }

// nextSteps are for faults that a person can mend. The words are of Firecracker's src/vmm.
func nextSteps() []nextStep {
	return []nextStep{
		{"kvm", "see what `lambent doctor` says of KVM"},
		{"out of memory", "the host, or the control group that lambent runs in, has too little memory for this function's class"},
		{"cannot allocate memory", "the host, or the control group that lambent runs in, has too little memory for this function's class"},
		{"no space left", "make space in the data folder"},
		{"permission denied", "the data folder must be on a file system without nodev and noexec, and its images readable by the monitor's group"},
		{"snapshot", "remove the folder snapshots of the data folder's microvm/cache: it is made anew"},
	}
}
