"""Functions that mean harm, or meet bad luck."""

import glob
import os
import signal
import sys
import time


def echo(event, context):
    return event


def forks(event, context):
    """Fork, and have every child fork on, until the function is stopped."""
    if event.get("fine"):
        return "fine"
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(1)


def fill(event, context):
    """Fill /tmp until it is refused."""
    written = 0
    try:
        with open("/tmp/full", "wb") as file:
            while written < 2048:
                file.write(b"x" * (1 << 20))
                file.flush()
                written += 1
    except OSError as error:
        return {"mib": written, "error": error.strerror}
    return {"mib": written}


def chatter(event, context):
    """Print 100 MB."""
    line = "y" * 99_999
    for _ in range(1000):
        print(line)
    return "done"


def descriptors(event, context):
    """Open 10,000 files."""
    held = []
    try:
        for _ in range(10_000):
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        return {"error": error.strerror, "some": len(held) > 500}
    finally:
        for fd in held:
            os.close(fd)
    return {"opened": len(held)}


def daemonise(event, context):
    """Leave a process behind that has nothing to do with this one any more."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                time.sleep(1)
        os._exit(0)
    return "gone"


def sockets():
    """The descriptors of this process that are sockets."""
    for path in glob.glob("/proc/self/fd/*"):
        try:
            if os.readlink(path).startswith("socket:"):
                yield int(os.path.basename(path))
        except OSError:
            pass


def hang_up(event, context):
    if event.get("fine"):
        return "fine"
    for fd in sockets():
        os.close(fd)
    return "nobody hears this"


def garbage(event, context):
    if event.get("fine"):
        return "fine"
    for fd in sockets():
        try:
            os.write(fd, os.urandom(100_000))
        except OSError:
            pass
    return "too late"


if os.environ.get("SETTING") == "exit during init":
    print("leaving", flush=True)
    os._exit(3)
