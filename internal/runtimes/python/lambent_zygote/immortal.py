"""Makes what a zygote has loaded immortal (PEP 683), so that its children share it.

Whoever calls a function or reads a name counts a reference in the object itself: without
this a child copies a page for nearly every object that it looks at. References to an
immortal object are not counted. What children make themselves is as mortal as ever.
"""

import ctypes
import gc
import sys
import sysconfig
import types

# The lower half of an immortal object's count of references: Include/object.h. It is another in
# 3.14, with which nobody has tried this.
_COUNT = {(3, 12): 0xFFFFFFFF, (3, 13): 0xFFFFFFFF}.get(sys.version_info[:2])

# Kinds whose end nobody waits for. Objects with finalizers, weak references and frames are
# none of them, nor are instances of classes written in Python.
_KINDS = frozenset(
    (bytes, classmethod, dict, float, frozenset, int, list, property, set, staticmethod, str, tuple)
    + (types.BuiltinFunctionType, types.CodeType, types.FunctionType, types.ModuleType)
    + (types.GetSetDescriptorType, types.MemberDescriptorType, type(str.join), type(object.__str__))
    + (type(dict.__dict__["fromkeys"]),)
)


def make():
    """Makes all immortal that there is now; nothing where this Python has no such objects."""
    if _COUNT is None or not _fits():
        return
    for thing in _reachable():
        _set(thing)


def _set(thing):
    ctypes.c_uint32.from_address(id(thing)).value = _COUNT


def _fits():
    """Whether objects begin with their count, as those of a usual build do: tried on one."""
    if sys.byteorder != "little" or sys.maxsize < 1 << 32 or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return False
    thing = ("tried", object())
    more = [thing] * 10
    if ctypes.c_uint32.from_address(id(thing)).value != sys.getrefcount(thing) - 1:
        return False
    _set(thing)
    before = sys.getrefcount(thing)
    more += [thing] * 10
    return sys.getrefcount(thing) == before


def _reachable():
    """What the collector knows and what that refers to, each once, of those kinds."""
    seen, found = set(), []
    todo = gc.get_objects()
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, types.FrameType):
            continue
        if type(thing) in _KINDS or isinstance(thing, type):
            found.append(thing)
        todo += gc.get_referents(thing)
        if isinstance(thing, types.CodeType):  # the collector knows none
            todo += (thing.co_consts, thing.co_names, thing.co_name, thing.co_qualname, thing.co_filename)
            todo += (thing.co_linetable, thing.co_exceptiontable)
    return found
