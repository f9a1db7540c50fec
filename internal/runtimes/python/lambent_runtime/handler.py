"""Finds the function's handler."""

import os
import sys

from .faults import Fault


def load(name):
    """Imports the handler that a configuration names: "module.function", also with
    folders, by dots or by slashes. Raises Fault, or what the module raised."""
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault(
            "Runtime.MalformedHandlerName", "Bad handler '%s': %s" % (name, error)
        )
    module = _module(module_name)
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault(
            "Runtime.HandlerNotFound",
            "Handler '%s' missing on module '%s'" % (function_name, module_name),
        )


def _module(name):
    if name.split(".")[0] in sys.builtin_module_names:
        raise Fault(
            "Runtime.BuiltInModuleConflict",
            "Cannot use built-in module %s as a handler module" % name,
        )
    dotted = name.replace("/", ".")
    try:
        __import__(dotted)
        return sys.modules[dotted]
    except ImportError as error:
        raise Fault(
            "Runtime.ImportModuleError",
            "Unable to import module '%s': %s" % (name, error),
        )
    except SyntaxError as error:
        raise Fault(
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module '%s': %s" % (name, error),
            ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)],
        )
    except (ValueError, KeyError) as error:
        if error.__traceback__.tb_next is not None:
            raise  # the module's own
        raise Fault(
            "Runtime.ImportModuleError",
            "Unable to import module '%s': %s" % (name, error),
        )


def folders(task_root, layers="/opt"):
    """The folders of a function's modules: its own, then its layers'."""
    version = "python%d.%d" % sys.version_info[:2]
    return [
        task_root,
        os.path.join(layers, "python/lib", version, "site-packages"),
        os.path.join(layers, "python"),
    ]


def search_path(task_root, runtime_dir, layers="/opt"):
    """Puts AWS's folders before the interpreter's: the function's, then the runtime's."""
    first = folders(task_root, layers) + [runtime_dir]
    sys.path[:] = first + [entry for entry in sys.path if entry not in first]
