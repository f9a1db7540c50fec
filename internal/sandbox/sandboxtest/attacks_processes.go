package sandboxtest

import "golang.org/x/sys/unix"

func processAttacks() []Attack {
	return []Attack{
		{
			Name: "SeeHostProcess", Family: otherProcess, Success: "finds a process of the host",
			Without: []string{privateProc}, Plant: plantProcess,
		},
		{
			Name: "SignalHostProcess", Family: otherProcess, Success: "ends a process of the host that has the function's user id",
			Without: []string{pidNamespace}, Along: []string{privateProc}, Plant: plantTarget,
		},
		{
			Name: "SignalInit", Family: otherProcess, Success: "sends a signal to the box's init",
			Without: []string{guardedInit}, Plant: with("kill", 1, int(unix.SIGWINCH)),
		},
		{
			Name: "TraceInit", Family: tracing, CVE: []string{"CVE-2019-5736"}, Success: "attaches to the box's init as a debugger",
			Without: []string{noCapabilities, seccompFilter}, Plant: with("ptrace", 1),
		},
		{
			Name: "TraceMe", Family: tracing, CVE: []string{"CVE-2019-13272"}, Success: "has its parent trace it",
			Without: []string{seccompFilter}, Plant: with("trace-me"), Kernel: true,
			Harmless: "its kernel implements it for its own processes",
		},
		{
			Name: "ReadInitMemory", Family: otherProcess, Success: "reads the memory of the box's init",
			Without: []string{noCapabilities, seccompFilter}, Plant: with("read-memory", 1),
		},
		{
			Name: "ReadInitEnviron", Family: procRoots, Success: "reads the environment of the box's init",
			Without: []string{noCapabilities}, Plant: with("read-file", "/proc/1/environ"),
		},
		{
			Name: "ListInitDescriptors", Family: descriptorsOf, CVE: []string{"CVE-2016-9962"}, Success: "lists the descriptors of the box's init",
			Without: []string{noCapabilities}, Plant: with("list", "/proc/1/fd"),
		},
		{
			Name: "TakeInitDescriptor", Family: descriptorsOf, CVE: []string{"CVE-2016-9962"}, Success: "takes the init's conversation with the host (pidfd_getfd)",
			Without: []string{noCapabilities, seccompFilter}, Plant: with("take-descriptor", 1, 3),
		},
		{
			Name: "EnterInitRoot", Family: procRoots, Success: "goes through the root of the box's init",
			Without: []string{noCapabilities}, Plant: with("list", "/proc/1/root"),
		},
		{
			Name: "ReadHostSharedMemory", Family: ipc, Success: "reads a System V shared memory segment of the host",
			Without: []string{ipcNamespace}, Plant: plantShm, Won: gotSecret,
		},
		{
			Name: "ReadHostname", Family: procFiles, Success: "learns the host's name",
			Without: []string{utsNamespace}, Plant: with("hostname"), Won: isHostname,
		},
		{
			Name: "SetHostname", Family: hostControl, Success: "sets the host's name",
			Without: []string{utsNamespace, noCapabilities, seccompFilter, userNamespace}, Plant: plantHostname, Won: hostnameChanged,
		},
	}
}

func joiningAttacks() []Attack {
	return []Attack{
		{
			Name: "JoinInit", Family: joining, Success: "joins a namespace of the box's init again, with its rights there",
			Without: []string{noCapabilities, seccompFilter}, Plant: with("join", "/proc/1/ns/uts"),
		},
		{
			Name: "JoinHostProcess", Family: joining, Success: "joins the namespaces of a process of the host by its pidfd",
			Without: []string{pidNamespace, userNamespace, noCapabilities, seccompFilter, landlockRules}, Along: []string{privateProc}, Plant: plantJoin,
		},
		{
			Name: "NewUserNamespace", Family: joining, CVE: []string{"CVE-2022-0185", "CVE-2023-32233", "CVE-2024-1086"}, Success: "gets all capabilities in a user namespace of its own",
			Without: []string{seccompFilter}, Plant: with("new-user"), Kernel: true,
			Harmless: "the capabilities are its own kernel's",
		},
		{
			Name: "NewUserNamespaceByClone3", Family: joining, CVE: []string{"CVE-2022-0185"}, Success: "gets one with clone3(2), whose flags a filter cannot see",
			Without: []string{seccompFilter}, Plant: with("clone3"), Kernel: true,
			Harmless: "the capabilities are its own kernel's",
		},
	}
}

func neighbourAttacks() []Attack {
	return []Attack{
		{
			Name: "SeeNeighbour", Family: otherProcess, Success: "finds a process of another box",
			Without: []string{privateProc}, Plant: plantNeighbour,
		},
		{
			Name: "SignalNeighbour", Family: otherProcess, Success: "ends a process of another box",
			Without: []string{pidNamespace, userNamespace}, Along: []string{privateProc}, Plant: plantNeighbourPID("kill", int(unix.SIGTERM)),
		},
		{
			Name: "ReadNeighbourMemory", Family: otherProcess, Success: "reads the memory of another box's process",
			Without: []string{pidNamespace, userNamespace, seccompFilter, landlockRules}, Along: []string{privateProc, noCapabilities}, Plant: plantNeighbourPID("read-memory"),
		},
		{
			Name: "ReadNeighbourEnviron", Family: procRoots, Success: "reads the environment, with its secrets, of another box's process",
			Without: []string{privateProc, userNamespace, landlockRules}, Plant: plantNeighbourSecret,
		},
		{
			Name: "ReadNeighbourTmp", Family: procRoots, Success: "reads another box's /tmp through /proc",
			Without: []string{privateProc, userNamespace, landlockRules}, Plant: plantNeighbourTmp, Won: gotSecret,
		},
		{
			Name: "ReadNeighbourSharedMemory", Family: ipc, Success: "reads a System V shared memory segment of another box",
			Without: []string{ipcNamespace}, Plant: plantNeighbourShm, Won: gotSecret,
		},
		{
			Name: "ReadNeighbourSharedFile", Family: ipc, Success: "reads POSIX shared memory of another box",
			Without: []string{privateDevices}, Plant: plantNeighbourFile, Won: gotSecret,
			Kept: "its kernel has a /dev/shm whatever devices it shows",
		},
		{
			Name: "ConnectToNeighbour", Family: hostNetwork, Success: "reads from a listener on another box's loopback",
			Without: []string{networkNamespace}, Plant: plantNeighbourListener("tcp", "127.0.0.1:0"), Won: gotSecret,
		},
		{
			Name: "ConnectToNeighbourAbstract", Family: abstract, Success: "reads from an abstract Unix socket of another box",
			Without: []string{networkNamespace}, Plant: plantNeighbourListener("unix", ""), Won: gotSecret,
		},
	}
}
