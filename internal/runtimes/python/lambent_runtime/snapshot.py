"""The hooks of SnapStart, which the function registers with snapshot_restore_py: its own
module of that name or the runtime's. As in AWS's runtime they run in the reverse order
of their registration before the snapshot, in that order after the restore.
"""

import sys


def before():
    """Runs the hooks before a snapshot, once. What one raises is raised."""
    hooks = _registry("get_before_snapshot")
    while hooks:
        function, args, kwargs = hooks.pop()
        function(*args, **kwargs)


def after():
    """Runs the hooks after a restore. What one raises is raised."""
    for function, args, kwargs in _registry("get_after_restore"):
        function(*args, **kwargs)


def _registry(name):
    """The hooks that are registered: none where the function has not imported the module."""
    registry = getattr(sys.modules.get("snapshot_restore_py"), name, None)
    return registry() if registry else []
