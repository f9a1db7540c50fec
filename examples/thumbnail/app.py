"""Makes a thumbnail of the PNG in the event. Standard library only."""

import base64
import binascii

import png
from resize import fit, resize

MAX_EDGE = 1024  # of a thumbnail, in pixels


class InvalidEvent(ValueError):
    """The event lacks something or holds something that it must not."""


def handler(event, context):
    """Answers {"image", "width", "height", "originalWidth", "originalHeight"}.

    The event is {"image": base64 of a PNG, "maxWidth": pixels, "maxHeight": pixels}.
    """
    original = png.decode(read_image(event))
    width, height = fit(original, read_edge(event, "maxWidth"), read_edge(event, "maxHeight"))
    thumbnail = png.encode(resize(original, width, height))
    return {
        "image": base64.b64encode(thumbnail).decode("ascii"),
        "width": width,
        "height": height,
        "originalWidth": original.width,
        "originalHeight": original.height,
    }


def read_image(event):
    if not isinstance(event, dict) or not isinstance(event.get("image"), str):
        raise InvalidEvent('the event needs "image": the base64 text of a PNG')
    try:
        return base64.b64decode(event["image"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidEvent(f'"image" is not base64: {error}') from None


def read_edge(event, name):
    edge = event.get(name, 128)
    if isinstance(edge, bool) or not isinstance(edge, int) or not 1 <= edge <= MAX_EDGE:
        raise InvalidEvent(f'"{name}" must be a whole number from 1 to {MAX_EDGE}, not {edge!r}')
    return edge
