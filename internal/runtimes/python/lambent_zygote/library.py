"""The part of the standard library that a zygote holds ready: what AWS's runtime has
loaded before a function's code, and what functions load most often after it."""

MODULES = """
    base64 bisect collections collections.abc concurrent.futures contextlib copy csv
    dataclasses datetime decimal email.message enum functools gzip hashlib heapq hmac
    http.client importlib.util inspect io itertools json logging math operator os pathlib
    queue random re secrets shutil socket ssl string struct subprocess tempfile textwrap
    threading time traceback types typing urllib.error urllib.parse urllib.request uuid
    warnings weakref zipfile zlib
    """.split()


def load():
    """Loads what there is: a distribution may have left some of it out."""
    for name in MODULES:
        try:
            __import__(name)
        except ImportError:
            pass
