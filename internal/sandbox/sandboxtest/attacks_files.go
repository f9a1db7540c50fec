package sandboxtest

func fileAttacks() []Attack {
	return []Attack{
		{
			Name: "ReadSecretOfTheHost", Family: hostFiles, Success: "reads a file of the host that anybody on the host may read",
			Without: []string{privateRoot}, Plant: plantSecret, Won: gotSecret,
		},
		{
			Name: "FollowLinkInCode", Family: mountsAndLink, Success: "reads that file through a symbolic link in its code",
			Without: []string{privateRoot}, Plant: plantLink, Won: gotSecret,
		},
		{
			Name: "FollowLinkOfLayer", Family: mountsAndLink, CVE: []string{"CVE-2021-30465"},
			Success: "goes into a folder of the host through a symbolic link in its layer",
			Without: []string{privateRoot}, Plant: plantLinkedFolder, Won: gotSecret,
		},
		{
			Name: "OpenByHandle", Family: hostFiles, Success: "reads that file by its handle, without a path (Docker's shocker)",
			Without: []string{seccompFilter, noCapabilities, userNamespace}, Plant: plantHandle, Won: gotSecret,
		},
		{
			Name: "WriteUsr", Family: hostFiles, Success: "writes a file into a folder below /usr that anybody on the host may write to",
			Without: []string{readOnlyRoot, landlockRules}, Plant: plantWritable, Won: fileAppeared,
		},
		{
			Name: "OverwriteInit", Family: programs, CVE: []string{"CVE-2019-5736"},
			Success: "may write, through /proc/1/exe, to the program that the host runs as the next box's init",
			Without: []string{readOnlyRoot, noCapabilities, userNamespace}, Plant: with("truncate", "/proc/1/exe"),
		},
		{
			Name: "OverwriteInitByPath", Family: programs, CVE: []string{"CVE-2019-5736", "CVE-2024-21626"},
			Success: "may write to that program by its path",
			Without: []string{readOnlyRoot, noCapabilities, userNamespace}, Plant: plantPathOfInit,
		},
		{
			Name: "ReadFormerDescriptor", Family: descriptorsOf, CVE: []string{"CVE-2024-21626"}, Success: "finds a file that the daemon has open",
			Without: []string{closeDescriptors}, Plant: plantDescriptor,
		},
		{
			Name: "LeaveByLeakedFolder", Family: descriptorsOf, CVE: []string{"CVE-2024-21626"},
			Success: "reads a file of the host from a folder that the daemon has open",
			Without: []string{closeDescriptors}, Plant: plantFolderDescriptor, Won: gotSecret,
		},
		{
			Name: "LeaveByWorkingFolder", Family: descriptorsOf, CVE: []string{"CVE-2024-21626"},
			Success: "reads a file of the host from the folder that it is started in, or from one of PID 1",
			Without: []string{privateRoot}, Plant: plantWorkingFolder, Won: gotSecret,
		},
		{
			Name: "OpenDevices", Family: devicesFamily, CVE: []string{"CVE-2025-52565"}, Success: "sees a device besides null, zero, full, random, urandom and tty",
			Without: []string{privateDevices}, Plant: with("devices"),
		},
		{
			Name: "MakeDevice", Family: devicesFamily, Success: "makes a device node in /tmp",
			Without: []string{noCapabilities, userNamespace}, Plant: with("mknod"),
		},
		{
			Name: "ReplaceDevices", Family: devicesFamily, CVE: []string{"CVE-2025-31133"},
			Success: "puts a symbolic link beside /dev/null, from where masks of files are taken",
			Without: []string{readOnlyRoot, landlockRules, noCapabilities, userNamespace}, Plant: with("link-device"),
		},
		{
			Name: "SetID", Family: setID, Success: "gets another user's or group's rights from a set-id program in its code",
			Without: []string{noSUID, noNewPrivileges, userNamespace}, Plant: with("set-id", "/var/task/set-id"),
		},
		{
			Name: "DirtyPipe", Family: pageCache, CVE: []string{"CVE-2022-0847"}, Success: "changes its read-only code through a pipe that shares its pages",
			Unshown: "only a kernel of 2020 to 2022 has the defect", Plant: with("dirty-pipe", "/var/task/code.txt"), Won: codeChanged,
		},
		{
			Name: "DirtyCow", Family: pageCache, CVE: []string{"CVE-2016-5195"}, Success: "changes its read-only code through /proc/self/mem",
			Unshown: "only a kernel before 2016 has the defect", Plant: with("dirty-cow", "/var/task/code.txt"), Won: codeChanged,
		},
		{
			Name: "ReadFormerTmp", Family: leftovers, Success: "finds in its /tmp what a box that is gone hid there",
			Unshown: "each box has a /tmp made for it, which is no switch", Plant: plantFormerTmp, Won: gotSecret,
		},
	}
}

func mountAttacks() []Attack {
	return []Attack{
		{
			Name: "SeeCgroups", Family: cgroupFamily, Success: "sees a control group file system",
			Without: []string{hiddenCgroup}, Plant: with("cgroup"),
		},
		{
			Name: "ReleaseAgent", Family: cgroupFamily, CVE: []string{"CVE-2022-0492"},
			Success: "mounts a control group file system and opens its release_agent, which the host runs, for writing",
			Without: []string{noCapabilities, seccompFilter, landlockRules, userNamespace}, Plant: with("release-agent"), Kernel: true,
		},
		{
			Name: "Mount", Family: mountsAndLink, CVE: []string{"CVE-2022-0185"}, Success: "mounts a file system",
			Without: []string{noCapabilities, seccompFilter, landlockRules}, Plant: with("mount"),
		},
		{
			Name: "OpenFileSystem", Family: mountsAndLink, CVE: []string{"CVE-2022-0185"}, Success: "makes a file system context for fsmount(2)",
			Without: []string{noCapabilities, seccompFilter}, Plant: with("fsopen"),
		},
		{
			Name: "RemountCode", Family: mountsAndLink, Success: "makes its read-only code writable and changes it on the host",
			Without: []string{noCapabilities, seccompFilter, landlockRules}, Plant: plantRemount, Won: fileAppeared,
		},
		{
			Name: "UnmountMask", Family: mountsAndLink, CVE: []string{"CVE-2025-31133", "CVE-2025-52881"}, Success: "takes away what covers /proc/cmdline",
			Without: []string{noCapabilities, seccompFilter, landlockRules}, Plant: with("unmount", "/proc/cmdline"),
		},
		{
			Name: "MountOverProc", Family: mountsAndLink, CVE: []string{"CVE-2025-52881"},
			Success: "puts a file of its own over one of /proc, to misdirect who writes there",
			Without: []string{noCapabilities, seccompFilter, landlockRules}, Plant: with("mount-over", "/proc/self/comm"),
			Harmless: "nobody outside of it writes to its kernel's /proc",
		},
		{
			Name: "MountOverlay", Family: overlays, CVE: []string{"CVE-2021-3493", "CVE-2023-0386", "CVE-2023-2640"}, Success: "mounts an overlay over folders of its own",
			Without: []string{noCapabilities, seccompFilter, landlockRules}, Plant: with("overlay"), Kernel: true,
		},
		{
			Name: "CloneMounts", Family: overlays, Success: "copies a mount, from which one with other ids could be made",
			Without: []string{noCapabilities, seccompFilter}, Plant: with("clone-mounts"),
		},
		{
			Name: "UnshareMounts", Family: joining, Success: "gets a mount namespace of its own",
			Without: []string{noCapabilities, seccompFilter}, Plant: with("unshare-mounts"),
		},
		{
			Name: "Chroot", Family: mountsAndLink, Success: "changes its root",
			Without: []string{noCapabilities, seccompFilter}, Plant: with("chroot"),
		},
	}
}

func procAttacks() []Attack {
	opens := []string{maskedProc, noCapabilities, userNamespace}
	return []Attack{
		{
			Name: "ReadKernelSymbols", Family: procFiles, Success: "reads /proc/kallsyms",
			Without: []string{maskedProc}, Plant: with("read-file", "/proc/kallsyms"), Kernel: true,
		},
		{
			Name: "ReadKernelCommandLine", Family: procFiles, Success: "reads /proc/cmdline",
			Without: []string{maskedProc}, Plant: with("read-file", "/proc/cmdline"), Won: isHostFile("/proc/cmdline"), Kernel: true,
		},
		{
			Name: "ReadKernelMemory", Family: procFiles, Success: "reads /proc/kcore",
			Without: opens, Plant: with("read-file", "/proc/kcore"), Kernel: true, Lacking: "kernels without CONFIG_PROC_KCORE",
		},
		{
			Name: "OpenSysRq", Family: hostControl, Success: "opens /proc/sysrq-trigger for writing, which can reboot the host",
			Without: opens, Plant: with("open-write", "/proc/sysrq-trigger"), Kernel: true, Lacking: "kernels without CONFIG_MAGIC_SYSRQ",
		},
		{
			Name: "OpenCorePattern", Family: helpers, Success: "opens /proc/sys/kernel/core_pattern for writing, which runs programs on the host",
			Without: append(opens, landlockRules), Plant: with("open-write", "/proc/sys/kernel/core_pattern"), Kernel: true,
		},
		{
			Name: "OpenModprobe", Family: helpers, Success: "opens /proc/sys/kernel/modprobe for writing, which runs programs on the host",
			Without: append(opens, landlockRules), Plant: with("open-write", "/proc/sys/kernel/modprobe"), Kernel: true, Lacking: "kernels without modules",
		},
		{
			Name: "OpenDropCaches", Family: hostControl, Success: "opens /proc/sys/vm/drop_caches for writing, which slows the whole host",
			Without: append(opens, landlockRules), Plant: with("open-write", "/proc/sys/vm/drop_caches"), Kernel: true,
		},
	}
}
