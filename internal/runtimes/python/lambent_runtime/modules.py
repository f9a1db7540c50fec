"""Imports as on Lambda, where the runtime has imported a part of the standard library
before the function's code: a file of the function with such a name never takes its
place, and logging is set up. Here the same holds, but each is loaded on first use.
"""

import os
import sys

# What json, logging and traceback bring with them in any version from 3.6 on.
_FIRST = frozenset(
    """
    _weakrefset ast bisect collections contextlib copy copyreg decimal dis enum
    functools heapq importlib inspect io json keyword linecache logging numbers opcode
    operator os re reprlib sre_compile sre_constants sre_parse stat string textwrap
    threading time token tokenize traceback types typing warnings weakref
    """.split()
)


def is_first(name):
    """Whether a file of the function never takes the place of a module of this name."""
    return name in _FIRST or name in sys.builtin_module_names


class Finder:
    """Finds those modules in the standard library only."""

    def __init__(self, path_finder, hooks):
        self._path_finder = path_finder
        self._hooks = hooks
        library = os.path.dirname(os.__file__)
        self._library = [library, os.path.join(library, "lib-dynload")]

    def find_spec(self, name, path=None, target=None):
        if path is not None or name not in _FIRST:
            return None
        spec = self._path_finder.find_spec(name, self._library)
        hook = self._hooks.pop(name, None)
        if spec is not None and hook is not None:
            spec.loader = _Hooked(spec.loader, hook)
        return spec


class _Hooked:
    """Loads as another loader does, then calls a hook with the module."""

    def __init__(self, loader, hook):
        self._loader = loader
        self._hook = hook

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._hook(module)


def install(hooks):
    """Puts the finder where files are searched, once; hooks are called with the module that
    they name, right after its first import."""
    if any(isinstance(finder, Finder) for finder in sys.meta_path):
        return  # a zygote has put it there
    for name in [name for name in hooks if name in sys.modules]:
        hooks.pop(name)(sys.modules[name])
    for at, finder in enumerate(sys.meta_path):
        if getattr(finder, "__name__", "") == "PathFinder":
            sys.meta_path.insert(at, Finder(finder, hooks))
            return
