package lambdaapi

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// maxList is the most items on a page. Source: AWS Lambda API reference,
// ListFunctions: "returns a maximum of 50 items in each response".
const maxList = 50

type listFunctionsResponse struct {
	Functions  []configuration `json:"Functions"`
	NextMarker string          `json:"NextMarker,omitempty"`
}

// page is the part of a list that is asked for.
type page struct {
	after place
	limit int
}

// listQuery is what ListFunctions asks for.
type listQuery struct {
	page
	all bool // published versions too
}

// place is where a page of a list ended.
type place struct {
	name    string
	version string // "" = behind all versions of name
}

// listFunctions answers ListFunctions.
func listFunctions(c *call) error {
	q, err := c.listQuery()
	if err != nil {
		return err
	}
	entries, err := c.listFrom(q)
	if err != nil {
		return err
	}
	out := listFunctionsResponse{Functions: []configuration{}}
	for i, e := range entries {
		if i == q.limit {
			out.NextMarker = entries[i-1].place().marker()
			break
		}
		out.Functions = append(out.Functions, c.listed(e, q.all))
	}
	return c.answer(http.StatusOK, out)
}

func (c *call) listQuery() (listQuery, error) {
	var v lambda.Violations
	all := c.query.Get("FunctionVersion")
	if all != "" {
		v.OneOf("functionVersion", all, "ALL")
	}
	page, err := c.page(&v)
	if err != nil {
		return listQuery{}, err
	}
	return listQuery{page, all != ""}, v.Err()
}

// page reads MaxItems and Marker. What breaks the model is reported to v.
func (c *call) page(v *lambda.Violations) (p page, err error) {
	p.limit = maxList
	if s := c.query.Get("MaxItems"); s != "" {
		n, err := atoi(s)
		if err != nil {
			return p, err
		}
		v.Range("maxItems", n, 1, 10_000)
		p.limit = min(n, maxList)
	}
	p.after, err = readMarker(c.query.Get("Marker"))
	return p, err
}

// atoi reads a number of the query string.
func atoi(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, lambda.NewError(lambda.ErrSerialization, "STRING_VALUE can not be converted to an Integer")
	}
	return n, nil
}

// entry is one item of the list.
type entry struct {
	fn      *lambda.Function
	version *lambda.Version
}

// place names the entry itself, so that the next page begins behind it.
func (e entry) place() place { return place{e.fn.ID.Name, e.version.Version} }

// listFrom collects one entry more than asked for, to know whether there is more.
func (c *call) listFrom(q listQuery) ([]entry, error) {
	entries, err := c.restOf(q)
	if err != nil {
		return nil, err
	}
	fns, err := c.Store.Functions(c.ctx(), c.who.account, c.who.region, q.after.name, q.limit+1)
	if err != nil {
		return nil, err
	}
	for i := range fns {
		entries = append(entries, entriesOf(&fns[i], q.all)...)
	}
	return entries[:min(len(entries), q.limit+1)], nil
}

// restOf returns the versions that the last page left of its last function.
func (c *call) restOf(q listQuery) ([]entry, error) {
	if !q.all || q.after.version == "" {
		return nil, nil
	}
	fn, err := c.Store.Function(c.ctx(), lambda.FunctionID{Account: c.who.account, Region: c.who.region, Name: q.after.name})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return entriesAfter(&fn, q.after.version), nil
}

// entriesAfter returns the versions behind one, which may be gone; "" = all.
func entriesAfter(fn *lambda.Function, version string) []entry {
	all := entriesOf(fn, true)
	if version == "" {
		return all
	}
	i := slices.IndexFunc(all, func(e entry) bool { return numberOf(e.version.Version) > numberOf(version) })
	if i < 0 {
		return nil
	}
	return all[i:]
}

// numberOf orders versions: $LATEST comes before the first.
func numberOf(version string) int {
	n, _ := strconv.Atoi(version) // $LATEST is 0
	return n
}

func entriesOf(fn *lambda.Function, all bool) []entry {
	out := []entry{{fn, &fn.Latest}}
	if all {
		for i := range fn.Published {
			out = append(out, entry{fn, &fn.Published[i]})
		}
	}
	return out
}

// listed renders an entry; with versions in the list each ARN says which it is.
func (c *call) listed(e entry, all bool) configuration {
	qualifier := ""
	if all {
		qualifier = e.version.Version
	}
	return describe(e.fn.ID, e.version, qualifier).summarize().redact(c.who.mayRead(e.fn.ID))
}

// marker is the place as a client sees it: opaque.
func (p place) marker() string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.name + ":" + p.version))
}

func readMarker(s string) (place, error) {
	if s == "" {
		return place{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	name, version, ok := strings.Cut(string(raw), ":")
	if err != nil || !ok || len(raw) > 256 || strings.ContainsRune(name, 0) {
		return place{}, invalid("Invalid Marker: pass the NextMarker of the page before, unchanged.")
	}
	return place{name, version}, nil
}
