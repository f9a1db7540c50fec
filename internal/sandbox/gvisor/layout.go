package gvisor

import (
	"fmt"
	"path/filepath"
)

// layout names the paths of a box's folder.
type layout string

func (l layout) at(name string) string { return filepath.Join(string(l), name) }
func (l layout) share() string         { return l.at("box") }                      // shown inside as agentproto.Folder
func (l layout) door() string          { return l.at("box/door") }                 // pipes and the socket
func (l layout) code(n int) string     { return l.at(fmt.Sprint("box/code/", n)) } // a mount each
func (l layout) tmp() string           { return l.at("tmp") }
func (l layout) state() string         { return l.at("state") } // runsc's
