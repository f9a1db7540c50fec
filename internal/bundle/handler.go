package bundle

import (
	"regexp"
	"slices"
	"strings"
)

// usual are the names of handlers, best first.
var usual = []string{"handler", "lambda_handler", "main"}

var pythonDef = regexp.MustCompile(`(?m)^(?:async\s+)?def\s+(\w+)\s*\(|^(\w+)\s*=`)

// pythonHandler returns the function of a module that looks like its handler: one with a
// usual name, else the only one that is public; "" if there is none.
func pythonHandler(text string) string { return choose(names(pythonDef, text), defined(text)) }

var pythonFunction = regexp.MustCompile(`(?m)^def\s+([a-zA-Z]\w*)\s*\(`)

func defined(text string) []string { return names(pythonFunction, text) }

var (
	nodeExport = regexp.MustCompile(`(?m)(?:^|[^\w.])(?:module\.)?exports\.(\w+)\s*=|^\s*export\s+(?:async\s+)?(?:function\s*\*?|const|let|var)\s+(\w+)`)
	nodeList   = regexp.MustCompile(`(?:export|module\.exports\s*=)\s*\{([^}]*)\}`)
	nodeName   = regexp.MustCompile(`(?:\w+\s+as\s+)?(\w+)(?:\s*:[^,]*)?`)
)

// nodeHandler returns the export of a module that looks like its handler. Where nothing is
// recognised it is "handler": exports can be made in more ways than can be read.
func nodeHandler(text string) string {
	found := names(nodeExport, text)
	for _, list := range nodeList.FindAllStringSubmatch(text, -1) {
		for item := range strings.SplitSeq(list[1], ",") {
			found = append(found, names(nodeName, strings.TrimSpace(item))...)
		}
	}
	if h := choose(found, found); h != "" {
		return h
	}
	return usual[0]
}

// names returns what the groups of a pattern match.
func names(pattern *regexp.Regexp, text string) (found []string) {
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		for _, name := range match[1:] {
			if name != "" {
				found = append(found, name)
			}
		}
	}
	return found
}

// choose returns the first usual name among all, else the only one of public.
func choose(all, public []string) string {
	for _, name := range usual {
		if slices.Contains(all, name) {
			return name
		}
	}
	if len(public) == 1 {
		return public[0]
	}
	return ""
}
