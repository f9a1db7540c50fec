"""What a child does once before it waits, so that the first event finds in memory of
its own what the zygote's would have to be copied for.

Nothing of it stays but that: variables, modules and the logger are as before.
"""

import os
import sys

from lambent_runtime import context, handler, logs, loop, start

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_SCENE = "scene"  # in that folder, and so found as a function's module is

# As many variables as functions have, of the usual length.
_VARIABLES = 32
_EVENT = b'{"text": "a", "numbers": [1, 2.5], "none": null}'
_META = b'{"id": "0", "deadlineMs": 0, "arn": "", "traceId": "Root=1"}'


def play():
    before = dict(os.environ)
    pairs = ["LAMBENT_REHEARSAL_%d=%s" % (number, "x" * 32) for number in range(_VARIABLES)]
    _apply(pairs + ["%s=%s" % pair for pair in before.items()])
    start.shadowed()
    loop.turn(_Link(), _load(), context.of_function())
    logs.Request.id = ""
    _apply(["%s=%s" % pair for pair in before.items()])


def _load():
    """The scene's handler, by the way that a function's goes."""
    path = list(sys.path)
    handler.search_path(_FOLDER, os.path.dirname(_FOLDER))
    found = handler.load(_SCENE + ".handler")
    del sys.modules[_SCENE], sys.path_importer_cache[_FOLDER]
    sys.path[:] = path
    return found


def _apply(pairs):
    start.apply("".join(field + "\0" for field in ["/"] + pairs).encode())


class _Link:
    """A stream on which one event comes and nobody hears the answer."""

    def read(self):
        return _META, _EVENT

    def write(self, kind, payload):
        assert kind == loop.stream.RESPONSE, payload
