package sandboxtest

import "golang.org/x/sys/unix"

func networkAttacks() []Attack {
	return []Attack{
		{
			Name: "ConnectToHost", Family: hostNetwork, Success: "reads from a listener on the host's loopback",
			Without: []string{networkNamespace}, Plant: plantListener("tcp", "127.0.0.1:0"), Won: gotSecret,
		},
		{
			Name: "ConnectToHostV6", Family: hostNetwork, Success: "reads from a listener on the host's IPv6 loopback",
			Without: []string{networkNamespace}, Plant: plantListener("tcp", "[::1]:0"), Won: gotSecret,
		},
		{
			Name: "ConnectToAbstractSocket", Family: abstract, CVE: []string{"CVE-2020-15257"}, Success: "reads from an abstract Unix socket of the host",
			Without: []string{networkNamespace}, Plant: plantAbstract, Won: gotSecret,
		},
		{
			Name: "ConfigureNetwork", Family: netlink, Success: "changes a network interface over netlink",
			Without: []string{noCapabilities, userNamespace}, Plant: with("configure"), Kernel: true,
		},
	}
}

// socketAttacks make sockets that reach parts of the kernel where defects were found.
func socketAttacks() []Attack {
	return []Attack{
		{
			Name: "RawSocket", Family: rawPackets, Success: "makes a raw IP socket",
			Without: []string{noCapabilities, userNamespace}, Plant: with("socket", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP),
		},
		{
			Name: "PacketSocket", Family: rawPackets, CVE: []string{"CVE-2020-14386"}, Success: "makes a packet socket",
			Without: []string{noCapabilities, seccompFilter, userNamespace}, Plant: with("socket", unix.AF_PACKET, unix.SOCK_RAW, 0),
		},
		{
			Name: "VsockSocket", Family: vsock, CVE: []string{"CVE-2021-26708"}, Success: "makes a socket to the hypervisor",
			Without: []string{seccompFilter}, Plant: with("socket", unix.AF_VSOCK, unix.SOCK_STREAM, 0), Kernel: true,
		},
		{
			Name: "CryptoSocket", Family: rareSockets, Success: "makes a socket of the kernel's crypto interface",
			Without: []string{seccompFilter}, Plant: with("socket", unix.AF_ALG, unix.SOCK_SEQPACKET, 0), Kernel: true, Lacking: "kernels without CONFIG_CRYPTO_USER_API",
		},
		{
			Name: "RareSockets", Family: rareSockets, CVE: []string{"CVE-2021-43267", "CVE-2021-3609"},
			Success: "makes a socket of any family but Unix, IPv4, IPv6 and netlink",
			Without: []string{seccompFilter}, Plant: with("rare-sockets"), Kernel: true,
		},
		{
			Name: "AuditSocket", Family: netlink, Success: "makes a netlink socket other than that of routes",
			Without: []string{seccompFilter}, Plant: with("socket", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_KOBJECT_UEVENT), Kernel: true,
			Harmless: "the events are its own kernel's",
		},
		{
			Name: "NetfilterSocket", Family: netlink, CVE: []string{"CVE-2022-32250", "CVE-2023-32233", "CVE-2024-1086"}, Success: "makes a netlink socket of the packet filter",
			Without: []string{seccompFilter}, Plant: with("socket", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER), Kernel: true,
		},
	}
}
