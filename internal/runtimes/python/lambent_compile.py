# The program that compiles a package ahead of its function's starts. It runs in a sandbox
# that shows one package and runs nothing of it. What it writes to its output is described
# in package bytecode. Sources that do not compile are left out: the function's import says
# why.
import importlib.util
import marshal
import os
import stat
import struct
import sys
from importlib.machinery import SourceFileLoader

MAGIC = importlib.util.MAGIC_NUMBER
HASHED = hasattr(importlib.util, "source_hash")  # PEP 552: 3.7
# Bytes of a source. Compiling takes up to 500 times of it, more than this sandbox has for
# larger ones (a list of small lists, Python 3.6 to 3.13).
LARGEST = 1 << 20
# Bytes of one source's bytecode, and of all: what package bytecode takes.
LARGEST_CODE, LARGEST_ALL = 16 << 20, 256 << 20


def main(root):
    """Writes the bytecode of all sources below a folder, small ones first: if one is
    too much for this sandbox, the rest is out already."""
    out = sys.stdout.buffer
    sys.stdout = sys.stderr
    out.write(b"LBC1")
    left = LARGEST_ALL
    for _, path, info in sorted(sources(root), key=lambda found: found[:2]):
        code = bytecode(os.path.join(root, path), info)
        if code and len(code) <= min(LARGEST_CODE, left):
            left -= len(code)
            name = os.fsencode(path)
            out.write(struct.pack(">HI", len(name), len(code)) + name + code)
            out.flush()  # the next one may be too much for this sandbox
    out.write(struct.pack(">HI", 0, 0))
    out.flush()


def sources(root):
    """Yields (size, path below root, stat) of every regular source."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if name.endswith(".py") and stat.S_ISREG(info.st_mode) and info.st_size <= LARGEST and is_text(path):
                yield info.st_size, os.path.relpath(path, root), info


def is_text(path):
    try:
        os.fsencode(path).decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def bytecode(path, info):
    """Compiles a source; None if it need not, or does not."""
    try:
        with open(path, "rb") as f:
            source = f.read()
        if valid(importlib.util.cache_from_source(path), source, info):
            return None
        code = SourceFileLoader("module", path).source_to_code(source, path)
        return header(source, info) + marshal.dumps(code)
    except Exception:  # SyntaxError, RecursionError, MemoryError, a codec's …
        return None


def header(source, info):
    """What stands before the code. A package never changes, so that nothing is to be
    compared at a start; 3.6 knows no other way than time and size."""
    if HASHED:
        return MAGIC + struct.pack("<I", 1) + importlib.util.source_hash(source)
    return MAGIC + stamp(info)


def stamp(info):
    return struct.pack("<II", int(info.st_mtime) & 0xFFFFFFFF, info.st_size & 0xFFFFFFFF)


def valid(cached, source, info):
    """Whether an import would take what the package brings."""
    try:
        with open(cached, "rb") as f:
            head = f.read(16)
    except OSError:
        return False
    if head[:4] != MAGIC:
        return False
    if not HASHED:
        return head[4:12] == stamp(info)
    flags = struct.unpack("<I", head[4:8])[0] if len(head) == 16 else 1 << 31
    if flags == 0:
        return head[8:] == stamp(info)
    return flags == 1 or flags == 3 and head[8:] == importlib.util.source_hash(source)


main(sys.argv[1])
