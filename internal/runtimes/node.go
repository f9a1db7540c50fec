package runtimes

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// nodeVersions are the runtimes that the bootstrap supports.
var nodeVersions = []string{
	"nodejs26.x", "nodejs24.x", "nodejs22.x", "nodejs20.x", "nodejs18.x", "nodejs16.x", "nodejs14.x",
}

func isNode(id string) bool { return slices.Contains(nodeVersions, id) }

// majorOf reads "22" in nodejs22.x.
func majorOf(id string) string {
	return strings.TrimSuffix(strings.TrimPrefix(id, "nodejs"), ".x")
}

func (c *Catalogue) node(v *lambda.Version) (Launch, error) {
	found, err := c.findNode(v.Runtime)
	if err != nil {
		return Launch{}, err
	}
	program := found.Path
	mounts := []sandbox.Mount{{Source: c.nodeBootstrap, Target: RuntimeDir}}
	if found.prefix != "" {
		program = languageDir + "/bin/node"
		mounts = append(mounts, sandbox.Mount{Source: found.prefix, Target: languageDir})
	}
	command := append([]string{program}, nodeFlags(v, found.Version)...)
	command = append(command, RuntimeDir+"/bootstrap.js")
	if wrapper := v.Environment[execWrapper]; wrapper != "" {
		command = append([]string{inTask(wrapper)}, command...)
	}
	l := Launch{
		Protocol: Framed,
		Direct:   true,
		Mounts:   mounts,
		Commands: command[:1],
		Args:     command[1:],
		Env:      nodeEnvironment(v),
		Fresh:    freshFor(v, fresh.node),
	}
	if l.Fresh == "" { // V8's heap is fixed when it starts
		l.Preload = v.Runtime + "/" + strconv.Itoa(v.MemorySize)
		l.Alone = l.Preload // nothing forks Node
	}
	return l, nil
}

// nodeFlags are those of AWS's bootstrap: of the function's memory a tenth is for young
// objects, in two halves, and the rest for old ones. Features that the later releases
// of Node 20 and 22 turned on stay off until NODE_OPTIONS asks for them (AWS Lambda
// Developer Guide, "Building Lambda functions with Node.js").
func nodeFlags(v *lambda.Version, version string) []string {
	young := v.MemorySize / 10
	flags := []string{
		"--expose-gc", "--max-http-header-size=81920",
		"--max-semi-space-size=" + strconv.Itoa(young/2), "--max-old-space-size=" + strconv.Itoa(v.MemorySize-young),
	}
	for _, f := range []struct{ name, since, before string }{
		{"experimental-require-module", "v20.17.0", "v24"},
		{"experimental-detect-module", "v22.0.0", "v24"},
	} {
		applies := semver.Compare("v"+version, f.since) >= 0 && semver.Compare("v"+version, f.before) < 0
		if applies && !strings.Contains(v.Environment["NODE_OPTIONS"], "--"+f.name) {
			flags = append(flags, "--no-"+f.name)
		}
	}
	return flags
}

// nodeEnvironment is what AWS's bootstrap sets.
func nodeEnvironment(v *lambda.Version) []string {
	modules := fmt.Sprintf("%s/nodejs/node%s/node_modules:%[1]s/nodejs/node_modules:%[3]s/node_modules:%[3]s:%s",
		layersDir, majorOf(v.Runtime), RuntimeDir, TaskRoot)
	return append(environment(v, languageDir, "AWS_Lambda_"+v.Runtime), "NODE_PATH="+own(v, "NODE_PATH", modules))
}
