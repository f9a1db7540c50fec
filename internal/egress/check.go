package egress

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/netns"
	"lambent.dev/lambent/internal/sandbox"
)

// Checks say what a gateway needs of the calling process's network. Where nothing else is
// missing, a packet is sent through: no list of rules knows every firewall. Nothing is left.
func Checks(ctx context.Context) []sandbox.Check {
	all := []sandbox.Check{
		sandbox.Need("nf_tables", "works", Supported(), "use a kernel with nf_tables, NAT and connection tracking (any distribution's); in a container allow CAP_NET_ADMIN"),
		sandbox.Need("IPv4 forwarding", "on", forwarding(), "sysctl -w net.ipv4.ip_forward=1; a line net.ipv4.ip_forward=1 in /etc/sysctl.d/90-lambent.conf keeps it"),
	}
	if all[0].OK && all[1].OK {
		all = append(all, passage(ctx))
	}
	return append(all, servers())
}

// Supported says whether this kernel has what a gateway is made of. It tries in a network
// namespace of its own.
func Supported() error {
	ns, err := netns.New()
	if err != nil {
		return err
	}
	defer func() { _ = ns.Close() }()
	up := uplinkNumber(0)
	guard, err := guardHost(ns, "trial", &up)
	if err != nil {
		return err
	}
	hub, err := guardHub(ns, &up)
	if err != nil {
		return errors.Join(err, guard.close())
	}
	return errors.Join(hub.close(), guard.close())
}

func forwarding() error {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	if err == nil && strings.TrimSpace(string(text)) != "1" {
		return errors.New("off")
	}
	return err
}

func servers() sandbox.Check {
	all, err := new(upstream).servers()
	c := sandbox.Check{Name: "name servers", Found: fmt.Sprint(all), OK: err == nil}
	if err != nil {
		c.Found, c.Needed, c.Fix = err.Error(), "one at least", "sandboxes resolve no names without: name servers in /etc/resolv.conf, or in resolvers under [network] of the configuration"
	}
	return c
}

// dockerFix lets what comes from the hub, and answers to it, pass Docker's firewall, which
// drops all that is not a container's.
const dockerFix = "Docker does that: iptables -I DOCKER-USER -i " + UplinkPrefix + "+ -j ACCEPT; " +
	"iptables -I DOCKER-USER -o " + UplinkPrefix + "+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"

// passage sends a packet through the host's firewall.
func passage(ctx context.Context) sandbox.Check {
	err := tryPassage(ctx)
	fix := "let the host's firewall forward what comes from interfaces " + UplinkPrefix + "*, and answers to them"
	if err == nil {
		return sandbox.Check{Name: "host's firewall", Found: "forwards", OK: true, Required: true}
	}
	if closed, listed := closedForward(); listed == nil && len(closed) > 0 {
		err = fmt.Errorf("%w: the chain %s drops what it does not know", err, strings.Join(closed, ", "))
		fix += ". " + dockerFix
	}
	return sandbox.Check{Name: "host's firewall", Found: err.Error(), Required: true, Needed: "forwards", Fix: fix}
}

// closedForward names the chains at the hook forward that drop what no rule of theirs
// accepts, as Docker's does.
func closedForward() (names []string, err error) {
	c, err := nftables.New()
	if err != nil {
		return nil, err
	}
	all, err := c.ListChains()
	if err != nil {
		return nil, err
	}
	for _, chain := range all {
		if chain.Hooknum == nil || *chain.Hooknum != *nftables.ChainHookForward || chain.Policy == nil {
			continue
		}
		if *chain.Policy == nftables.ChainPolicyDrop {
			names = append(names, chain.Table.Name+" "+chain.Name)
		}
	}
	return names, nil
}

// Reap removes the tables of dead owners. The kernel has removed them already where it keeps
// to what the flag "owner" says.
func Reap(alive func(owner string) bool) error {
	c, err := nftables.New()
	if err != nil {
		return nil // without nf_tables there are none
	}
	all, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil
	}
	var failed []error
	for _, table := range all {
		owner, ours := strings.CutPrefix(table.Name, tablePrefix)
		if !ours || alive(owner) {
			continue
		}
		c.DelTable(table)
		if err := c.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
			failed = append(failed, fmt.Errorf("removing the nftables table %s: %w", table.Name, err))
		}
	}
	return errors.Join(failed...)
}
