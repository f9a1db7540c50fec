package handover

import "lambent.dev/lambent/internal/lambda"

// Protocol is the number of what two servers say to each other. One that does not know it
// refuses.
const Protocol = 1

// Terms are what must be the same for both: a client must not notice who answers.
type Terms struct {
	Listen string `json:"listen"`
	Admin  string `json:"admin"`
	Store  string `json:"store"` // names the database; no secrets
}

// Request is what the successor says first.
type Request struct {
	Protocol int   `json:"protocol"`
	PID      int   `json:"pid"`
	Terms    Terms `json:"terms"`
}

// Life is a server that has the data open: by its epoch in the queue and its name on the
// host.
type Life struct {
	Epoch int64  `json:"epoch"`
	Owner string `json:"owner"`
}

// Grant is what the predecessor gives, beside the descriptors.
type Grant struct {
	Refused string `json:"refused,omitempty"` // why nothing is given
	// Lives are the predecessor's, and those of servers before it that still finish what
	// they had.
	Lives   []Life `json:"lives,omitempty"`
	LinkKey []byte `json:"linkKey,omitempty"` // signs links to packages
}

// step is what comes after: one of its fields.
type step struct {
	Ready   bool                `json:"ready,omitempty"`
	Changed []lambda.FunctionID `json:"changed"` // never nil in a message of changes
	Done    bool                `json:"done,omitempty"`
	Yours   bool                `json:"yours,omitempty"`
}
