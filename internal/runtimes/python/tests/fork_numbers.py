"""Forks interpreters as a zygote does, each with the zygote's own pid, and prints the
random numbers of each. It is PID 1 of a namespace, and so is every child.

With "used" as its argument the zygote has used OpenSSL's generator before: what it must
never do.
"""

import ctypes
import json
import os
import random
import secrets
import ssl
import sys
import tempfile
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lambent_zygote import child, immortal, kernel, library  # noqa: E402

CLONE_NEWPID = 0x20000000
libc = ctypes.CDLL(None, use_errno=True)
own = os.open("/proc/self/ns/pid", os.O_RDONLY)


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def numbers():
    child._own_values()
    return {
        "pid": os.getpid(),
        "random": random.random(),
        "secrets": secrets.token_hex(),
        "uuid1": str(uuid.uuid1()),
        "uuid4": str(uuid.uuid4()),
        "RAND_bytes": ssl.RAND_bytes(16).hex(),
        "mktemp": tempfile.mktemp(),
    }


def fork():
    check(libc.setns(own, CLONE_NEWPID))
    check(libc.unshare(CLONE_NEWPID))
    reading, writing = os.pipe()
    pid = kernel.fork()
    if pid == 0:
        os.write(writing, json.dumps(numbers()).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    return json.loads(os.read(reading, 4096).decode())


library.load()
immortal.make()
if sys.argv[1:] == ["used"]:
    ssl.RAND_bytes(1)
print(json.dumps({"pid": os.getpid(), "children": [fork() for _ in range(3)]}))
