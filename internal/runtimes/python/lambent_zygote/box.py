"""The way of a forked child into its box, after which it has the rights of a function."""

import base64
import os
import signal
import socket

from . import home, kernel

# Descriptors of a child, as those of a command that was executed.
STREAM = 3
START = 4
_LAST = 256  # a zygote has fewer

_NAMESPACES = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWCGROUP
)


class Rights:
    """What a child may do; from the same values as the init's."""

    def __init__(self, setup):
        self._uid = setup["UID"]
        self._gid = setup["GID"]
        self._first = kernel.Filter(base64.b64decode(setup["Filter"]))
        self._final = kernel.Filter(base64.b64decode(setup["Final"]))
        self._handled = setup["Handled"]
        self._hostname = setup["Hostname"]
        self._limits = [(int(name), value) for name, value in setup["Limits"].items()]
        self._places = [(place["Path"], place["Rights"]) for place in setup["Places"] or []]

    def prepare(self):
        """Gives the calling process, the zygote, what its children have: limits, and the
        name of the host, which modules remember."""
        socket.sethostname(self._hostname)
        for resource, value in self._limits:
            kernel.set_limit(resource, value)
        home.of(self._uid)

    def restrict(self):
        """Puts the calling process, the zygote, under the filter of system calls that its
        children inherit: they add a short one, which takes less time than a long one."""
        self._first.install()

    def take(self):
        """Gives up everything else, for ever."""
        kernel.empty_bounding()
        os.setgroups([])
        os.setresgid(self._gid, self._gid, self._gid)
        os.setresuid(self._uid, self._uid, self._uid)
        # The ids before were none of this namespace, so changing them dropped nothing.
        kernel.drop_capabilities()
        kernel.be_dumpable()
        kernel.die_with_parent(signal.SIGKILL)
        kernel.no_new_privileges()
        if self._places:
            kernel.allow_writes(self._handled, self._places)
        self._final.install()


def enter(init, doors):
    """Joins the box of a pidfd: its groups by the doors to them, then its namespaces. A
    thread that moves only itself waits for nobody."""
    for door in doors:
        os.write(door, b"0")
    kernel.setns(init, _NAMESPACES)
    os.setsid()
    os.chdir("/")


def arrange(output, stream, start):
    """Puts the descriptors where a command finds them and closes all others."""
    for number, descriptor in ((1, output), (2, output), (STREAM, stream), (START, start)):
        os.dup2(descriptor, number)
    os.closerange(START + 1, _LAST)
