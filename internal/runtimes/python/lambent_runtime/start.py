"""The start of an interpreter that waited for its workload."""

import os
import sys
import time

from . import stream

_RUNTIME_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# What is told to one that waits where a machine goes on from its memory: play a start.
_REHEARSE = b"\0"

PROGRAM = os.path.join(_RUNTIME_DIR, "bootstrap.py")


def workload(descriptor, seeded=False):
    """Waits for the workload: a folder to work in and variables, each ended by a zero
    byte. Without one nobody needs the interpreter, and it ends."""
    data = b""
    _ready()
    while True:
        more = os.read(descriptor, 1 << 16)
        if not more:
            break
        if more == _REHEARSE and not data:
            _rehearse()
            os.write(descriptor, _REHEARSE)
            continue
        data = data + more if data else more
    os.close(descriptor)
    if not data:
        os._exit(0)
    if not seeded and "random" in sys.modules:  # others may go on from the same memory: a restored microVM
        sys.modules["random"].seed()
    apply(data)


def _ready():
    """Loads and plays what the first event needs, where there is time for it."""
    if os.environ.get("LAMBENT_REHEARSE") == "again":
        from lambent_zygote import rehearsal

        rehearsal.play()


def _rehearse():
    """Plays a start in a child. What an emulated processor has translated for it, in the same
    places, need not be translated when the event comes."""
    child = os.fork()
    if child == 0:
        try:
            from lambent_zygote import rehearsal

            rehearsal.play()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def apply(data):
    """Gives the process its folder and its variables, and takes all others away."""
    folder, *pairs = data.split(b"\0")[:-1]
    wanted = dict(pair.split(b"=", 1) for pair in pairs)
    held = os.environb._data  # what is behind os.environ, too: through that it takes five times as long
    zone = held.get(b"TZ")
    if b"LC_CTYPE" in held:  # Python set it (PEP 538): functions that do are not waited for
        wanted.setdefault(b"LC_CTYPE", held[b"LC_CTYPE"])
    for name in [name for name in held if name not in wanted]:
        del os.environb[name]
    for name, value in wanted.items():
        if held.get(name) != value:
            os.putenv(name, value)
            held[name] = value
    os.chdir(folder)
    if held.get(b"TZ") != zone:
        time.tzset()


def outdated():
    """Whether a fresh interpreter would find other modules than this one."""
    return shadowed() or _brings_user_site()


def _brings_user_site():
    """A folder below HOME, of which site looked at the start's (site.USER_SITE)."""
    home = os.environ.get("HOME")
    if home is None:
        return False
    folder = "%s/.local/lib/python%d.%d/site-packages" % ((home,) + sys.version_info[:2])
    return os.path.isdir(folder)


def shadowed():
    """Whether the function brings a module of a name that is loaded already, though AWS's
    runtime would take the function's."""
    from . import handler, modules

    for folder in handler.folders(os.environ.get("LAMBDA_TASK_ROOT", "/var/task")):
        for name in _names(folder):
            if name in sys.modules and not modules.is_first(name):
                return True
    return False


def _names(folder):
    if not os.access(folder, os.R_OK):  # most functions have no layers
        return ()
    return {
        entry.partition(".")[0]
        for entry in os.listdir(folder)
        if "." not in entry or entry.endswith((".py", ".pyc", ".so"))
    }


def afresh():
    """Becomes a fresh interpreter with the same workload. The stream that came already
    waits in the channel's place."""
    number = int(os.environ["LAMBENT_STREAM"][len("fd:") :])
    for descriptor in sum(stream.early, (number,)):
        os.set_inheritable(descriptor, True)
    os.environ[stream.EARLY] = ",".join("%d/%d" % both for both in stream.early)
    os.execv(sys.executable, [sys.executable, PROGRAM])
