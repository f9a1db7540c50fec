"""What a child does once before it waits, so that the first event finds in memory of
its own what the zygote's would have to be copied for."""

import importlib
import sys

from lambent_runtime import codec, context

_SCENE = __package__ + ".scene"


def play():
    handler = importlib.import_module(_SCENE).handler
    del sys.modules[_SCENE]
    event = codec.decode(b'{"text": "a", "numbers": [1, 2.5], "none": null}')
    codec.encode(handler(event, context.LambdaContext({"id": ""})))
