"""System calls that Python has no function for. Each raises OSError.

Numbers from the kernel's headers; those of Landlock are the same on every machine.
"""

import ctypes
import os
import struct
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_ADD_RULE = 445
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_RULE_PATH_BENEATH = 1
_INSTRUCTION = 8  # bytes of struct sock_filter

_libc = ctypes.CDLL(None, use_errno=True)
_libc_as_python = ctypes.PyDLL(None, use_errno=True)  # what is called so keeps Python's lock
_libc.syscall.restype = ctypes.c_long


def _check(result, name):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (name, os.strerror(number)))
    return result


def setns(descriptor, kinds):
    """Joins the namespaces of a process that a pidfd names (Linux 5.8)."""
    _check(_libc.setns(descriptor, kinds), "setns")


def fork():
    """os.fork for a process of one thread that holds no lock: without what Python does for
    others. That repairs nothing here, but costs each child 0.2 MB and a third of the time. Before
    3.8 Python has to hear of a fork, or its handlers of signals are not called in the child."""
    if sys.version_info < (3, 8):
        return os.fork()
    return _check(_libc_as_python.fork(), "fork")


def set_limit(resource, value):
    """Sets a limit, for ever (setrlimit(2))."""
    both = ctypes.create_string_buffer(struct.pack("LL", value, value))
    _check(_libc.setrlimit(resource, both), "setrlimit")


def _prctl(name, option, value=0, pointer=None):
    _check(_libc.prctl(option, ctypes.c_ulong(value), pointer, 0, 0), name)


def die_with_parent(signal):
    _prctl("PR_SET_PDEATHSIG", _PR_SET_PDEATHSIG, signal)


def be_dumpable():
    """Files in /proc/self belong to the process again; a change of user took them."""
    _prctl("PR_SET_DUMPABLE", _PR_SET_DUMPABLE, 1)


def no_new_privileges():
    _prctl("PR_SET_NO_NEW_PRIVS", _PR_SET_NO_NEW_PRIVS, 1)


def empty_bounding():
    """No program that is executed can gain a capability."""
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            if capability > 0:
                return  # the kernel knows no more
            _check(-1, "PR_CAPBSET_DROP")


def drop_capabilities():
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    _check(_libc.capset(header, ctypes.create_string_buffer(24)), "capset")


class Filter:
    """A seccomp program, made ready once."""

    def __init__(self, program):
        self._program = ctypes.create_string_buffer(program, len(program))
        self._header = ctypes.create_string_buffer(
            struct.pack("HP", len(program) // _INSTRUCTION, ctypes.addressof(self._program))
        )

    def install(self):
        _prctl("PR_SET_SECCOMP", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._header)


def allow_writes(handled, places):
    """Restricts writing (Landlock). handled are the rights that are lost elsewhere;
    places are pairs of a path and the rights that are kept below it."""
    size = ctypes.c_size_t(8)
    attributes = ctypes.create_string_buffer(struct.pack("=Q", handled))
    rules = _check(
        _libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, size, 0), "landlock_create_ruleset"
    )
    for path, rights in places:
        _allow(rules, path, rights)
    _check(_libc.syscall(_LANDLOCK_RESTRICT_SELF, rules, 0), "landlock_restrict_self")
    os.close(rules)


def _allow(rules, path, rights):
    try:
        place = os.open(path, os.O_PATH)
    except FileNotFoundError:
        return
    rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, place))
    _check(
        _libc.syscall(_LANDLOCK_ADD_RULE, rules, _LANDLOCK_RULE_PATH_BENEATH, rule, 0),
        "landlock_add_rule " + path,
    )
    os.close(place)
