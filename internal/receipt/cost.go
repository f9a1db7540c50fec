package receipt

import (
	"fmt"
	"strconv"
	"strings"
)

// Cost is what one invocation costs, in US dollars: of this machine, on Lambda, and in a
// Fargate task of its size while it runs. The zero value is of a server that knows no price.
type Cost struct {
	Here    float64 `json:"here"`
	Lambda  float64 `json:"lambda"`
	Fargate float64 `json:"fargate"`
}

// String returns the value of X-Lambent-Cost: "here=0.000000012, lambda=0.000000408,
// fargate=0.000000098".
func (c Cost) String() string {
	return fmt.Sprintf("here=%s, lambda=%s, fargate=%s", dollars(c.Here), dollars(c.Lambda), dollars(c.Fargate))
}

// dollars keeps a thousandth of a millionth: a request alone costs two hundred of those.
func dollars(v float64) string { return strconv.FormatFloat(v, 'f', 12, 64) }

// ParseCost reads what String wrote; "" is the zero value.
func ParseCost(text string) (c Cost, err error) {
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		to := map[string]*float64{"here": &c.Here, "lambda": &c.Lambda, "fargate": &c.Fargate}[name]
		if to == nil {
			continue // of a newer server
		}
		if *to, err = strconv.ParseFloat(value, 64); err != nil {
			return Cost{}, fmt.Errorf("reading the cost: %q is no number", value)
		}
	}
	return c, nil
}
