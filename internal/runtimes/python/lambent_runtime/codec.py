"""JSON as AWS's runtime reads and writes it.

The package json costs several milliseconds at every start, nearly all of it for the
regular expressions that its pure Python half needs. Its C half does the work and
needs none; where it is missing or refuses, the package is used.
"""

import os
import sys

try:
    import _json
except ImportError:  # another implementation of Python
    _json = None

_SPACE = " \t\n\r"

# From these on AWS writes text as it is and not as \u escapes.
_ESCAPED_UNTIL = (3, 11)


class _Reader:
    """What the C scanner asks of a decoder."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    memo = None
    parse_float = float
    parse_int = int
    parse_constant = {
        "NaN": float("nan"),
        "Infinity": float("inf"),
        "-Infinity": float("-inf"),
    }.__getitem__


_scan = _json.make_scanner(_Reader()) if _json else None


def decode(data):
    """The value of a JSON text in bytes. Raises ValueError."""
    text = data.decode("utf-8")
    if _scan is not None:
        stripped = text.strip(_SPACE)
        try:
            value, end = _scan(stripped, 0)
            if end == len(stripped):
                return value
        except (StopIteration, ValueError):
            pass
    import json  # to say what is wrong, in its words

    return json.loads(text)


class _Writer:
    """Writes one value; Decimals become numbers with all their digits. A default may
    only return what JSON knows: a mark, that no function can guess, takes the place
    of the digits until the text is written."""

    def __init__(self):
        self._decimals = []
        self._mark = ""

    def encode(self, value):
        text = _encode(value, self._default)
        if self._decimals:
            text = self._insert(text)
        return text

    def _default(self, value):
        if isinstance(value, (bytes, bytearray)):
            return value.decode("utf-8")
        decimal = sys.modules.get("decimal")
        if decimal is not None and isinstance(value, decimal.Decimal):
            if value.is_nan():
                return float("nan")
            self._mark = self._mark or "decimal-" + os.urandom(16).hex() + ":"
            self._decimals.append(str(value))
            return self._mark + str(len(self._decimals) - 1)
        raise TypeError(
            "Object of type %s is not JSON serializable" % type(value).__name__
        )

    def _insert(self, text):
        """Puts the digits where the marks are."""
        first, *rest = text.split('"' + self._mark)
        parts = [first]
        for part in rest:
            number, _, after = part.partition('"')
            parts += (self._decimals[int(number)], after)
        return "".join(parts)


def _escaped():
    return sys.version_info[:2] <= _ESCAPED_UNTIL


def _encode(value, default):
    if isinstance(value, str):
        return _quote(value)
    try:
        write = _json.make_encoder(
            {}, default, _quote, None, ": ", ", ", False, False, True
        )
    except (AttributeError, TypeError):
        import json

        return json.dumps(value, default=default, ensure_ascii=_escaped())
    return "".join(write(value, 0))


def _quote_slowly(text):
    import json

    return json.dumps(text, ensure_ascii=_escaped())


_quote = getattr(
    _json,
    "encode_basestring_ascii" if _escaped() else "encode_basestring",
    _quote_slowly,
)


def encode(value):
    """The JSON text of a value as bytes. Raises what the value's types raise."""
    return _Writer().encode(value).encode("utf-8")
