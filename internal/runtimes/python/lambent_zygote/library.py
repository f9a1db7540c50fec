"""The part of the standard library that a zygote holds ready: what AWS's runtime has
loaded before a function's code, and what functions load most often after it."""

import sys

MODULES = """
    base64 bisect collections collections.abc concurrent.futures contextlib copy csv
    dataclasses datetime decimal email.message enum functools gzip hashlib heapq hmac
    http.client importlib.util inspect io itertools json logging math operator os pathlib
    queue random re secrets shutil socket ssl string struct subprocess tempfile textwrap
    threading time traceback types typing urllib.error urllib.parse urllib.request uuid
    warnings weakref zipfile zlib
    """.split()


# The runtime itself; some of it is loaded late where nobody waits ahead.
_RUNTIME = ["lambent_runtime." + name for name in "context faults handler logs modules start".split()]


def load():
    """Loads what there is: a distribution may have left some of it out."""
    for name in MODULES + _RUNTIME:
        try:
            __import__(name)
        except ImportError:
            pass
    from lambent_runtime import logs, modules

    modules.install({"logging": logs.install})
