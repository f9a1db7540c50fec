package sandboxtest

import "golang.org/x/sys/unix"

func rightsAttacks() []Attack {
	return []Attack{
		{
			Name: "BecomeRoot", Family: rights, Success: "gets user id 0",
			Without: []string{noCapabilities}, Plant: with("set-uid"),
		},
		{
			Name: "RaisePriority", Family: rights, Success: "raises its priority over the host's",
			Without: []string{noCapabilities, userNamespace}, Plant: with("priority"),
			Harmless: "the host does not hear of it",
		},
		{
			Name: "RaiseDevicePriority", Family: rights, Success: "comes before all others at block devices",
			Without: []string{noCapabilities, userNamespace}, Plant: with("device-priority"), Kernel: true,
			Harmless: "the host does not hear of it",
		},
		{
			Name: "RaiseLimit", Family: rights, Success: "raises a limit that it was given",
			Without: []string{noCapabilities, userNamespace}, Plant: with("raise-limit"), Kernel: true, Lacking: "hosts on which root itself may not: without CAP_SYS_RESOURCE",
			Harmless: "the descriptors are its own kernel's",
		},
		{
			Name: "OutliveTheHost", Family: rights, Success: "has the host's out-of-memory killer spare it as it spares the daemon",
			Without: whatKeepsScores(), Plant: with("oom-score"), Kernel: true,
			Harmless: "the score is its own kernel's",
		},
	}
}

// whatKeepsScores: a process may lower its score to where somebody with CAP_SYS_RESOURCE on the
// host put it. Where a driver has not that right either, only Landlock keeps processes from it.
func whatKeepsScores() []string {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) == nil && data[0].Effective&(1<<unix.CAP_SYS_RESOURCE) == 0 {
		return []string{landlockRules}
	}
	return []string{landlockRules, noCapabilities, userNamespace}
}

// kernelAttacks call what functions have no business with.
func kernelAttacks() []Attack {
	all := []string{seccompFilter, noCapabilities, userNamespace}
	filter := []string{seccompFilter}
	return []Attack{
		{Name: "AddKey", Family: keys, Success: "stores a key in the kernel", Without: filter, Plant: with("add-key"), Kernel: true},
		{Name: "JoinKeyring", Family: keys, CVE: []string{"CVE-2016-0728"}, Success: "joins a session keyring", Without: filter, Plant: with("join-keyring"), Kernel: true, Harmless: "the keyring is its own kernel's"},
		{Name: "RequestKey", Family: keys, CVE: []string{"CVE-2017-6951"}, Success: "has the kernel look for a key, for which it may start a program", Without: filter, Plant: with("request-key"), Kernel: true},
		{Name: "BPF", Family: bpfFamily, CVE: []string{"CVE-2021-3490", "CVE-2022-23222"}, Success: "makes a BPF map", Without: all, Plant: with("bpf"), Kernel: true},
		{Name: "PerfEvents", Family: bpfFamily, CVE: []string{"CVE-2013-2094", "CVE-2023-5717"}, Success: "opens a performance counter", Without: filter, Plant: with("perf"), Kernel: true},
		{Name: "IOUring", Family: ioUringFamily, CVE: []string{"CVE-2022-29582", "CVE-2023-2598"}, Success: "makes an io_uring", Without: filter, Plant: with("io-uring"), Kernel: true},
		{Name: "IOUringRegister", Family: ioUringFamily, CVE: []string{"CVE-2021-41073"}, Success: "asks io_uring what it can, without one", Without: filter, Plant: with("io-uring-register"), Kernel: true},
		{Name: "UserFaultFD", Family: faults, CVE: []string{"CVE-2021-22555"}, Success: "handles page faults in user space, which makes races of the kernel easy to win", Without: filter, Plant: with("userfaultfd"), Kernel: true},
		{Name: "Reboot", Family: hostControl, Success: "is allowed to reboot", Without: []string{seccompFilter, noCapabilities}, Plant: with("reboot"), Kernel: true},
		{Name: "SwapOn", Family: hostControl, Success: "is allowed to add swap", Without: all, Plant: with("swapon"), Kernel: true},
		{Name: "LoadModule", Family: hostControl, Success: "is allowed to load a kernel module", Without: all, Plant: with("load-module"), Kernel: true, Lacking: "kernels without modules"},
		{Name: "LoadKernel", Family: hostControl, Success: "is allowed to load another kernel (kexec)", Without: all, Plant: with("load-kernel"), Kernel: true, Lacking: "kernels without CONFIG_KEXEC"},
		{Name: "Ports", Family: hostControl, Success: "gets at the machine's ports", Without: all, Plant: with("ports"), Kernel: true, Lacking: "kernels without CONFIG_X86_IOPL_IOPERM, and processors without ports"},
		{Name: "SetClock", Family: hostControl, Success: "sets the host's clock", Without: all, Plant: with("set-time"), Kernel: true},
		{Name: "ReadKernelLog", Family: procFiles, Success: "reads the kernel's messages", Without: all, Plant: with("syslog"), Kernel: true, Harmless: "the messages are its own kernel's"},
		{Name: "ComparePointers", Family: compatibility, Success: "orders the kernel's pointers (kcmp)", Without: filter, Plant: with("kcmp"), Kernel: true},
		{Name: "Personality", Family: compatibility, Success: "makes its data executable", Without: filter, Plant: with("personality"), Kernel: true},
		{Name: "CompatSystemCall", Family: compatibility, Success: "makes a 32-bit system call past the filter", Without: filter, Plant: with("compat"), Kernel: true},
		{Name: "LocalDescriptorTable", Family: compatibility, CVE: []string{"CVE-2015-5157"}, Success: "changes how the processor finds its memory", Without: filter, Plant: with("modify-ldt"), Kernel: true},
	}
}
