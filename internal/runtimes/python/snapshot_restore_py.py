"""Hooks of SnapStart, under the names of AWS's module of this name, for functions that do
not bring it.

register_before_snapshot and register_after_restore take a function and the arguments
that it is to be called with; both can decorate.
"""

__all__ = ["register_before_snapshot", "register_after_restore"]

_before = []
_after = []


def register_before_snapshot(func, *args, **kwargs):
    """Has func called when the function is initialised and nothing has been invoked."""
    _before.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    """Has func called before the first invocation."""
    _after.append((func, args, kwargs))
    return func


def get_before_snapshot():
    """What is registered, in order: the function, its arguments, its named arguments."""
    return _before


def get_after_restore():
    """As get_before_snapshot."""
    return _after
