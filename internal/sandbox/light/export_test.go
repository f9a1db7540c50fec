package light

import (
	"os"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// Calls are the system calls of this machine by number: those that the policy allows without
// looking at arguments, those that it says do not exist, and all others that have a name. What
// depends on an argument is in none.
func Calls() (allowed, missing, others map[int]string, err error) {
	machine, err := arch.GetInfo("")
	if err != nil {
		return nil, nil, nil, err
	}
	allowed, missing, others = map[int]string{}, map[int]string{}, map[int]string{}
	for name, number := range machine.SyscallNames {
		others[number] = name
	}
	move := func(names []string, to map[int]string) {
		for _, name := range known(machine, names) {
			to[machine.SyscallNames[name]] = name
		}
	}
	for _, f := range policy {
		move(f.names, allowed)
	}
	move(absent, missing)
	for number, name := range others {
		if allowed[number] != "" || missing[number] != "" || depends(name) {
			delete(others, number)
		}
	}
	return allowed, missing, others, nil
}

func depends(name string) bool {
	for _, c := range conditional {
		if c.Name == name {
			return true
		}
	}
	return false
}

// Spawner is the process that starts boxes; nil without users.
func (d *Driver) Spawner() *os.Process {
	s := d.spawner.Value()
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}
