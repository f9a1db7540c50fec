"""Errors as a caller sees them, and as the log shows them."""

import os
import sys

_OWN = os.path.dirname(os.path.abspath(__file__))
_INDENT = "\u00a0"  # AWS's: log viewers drop spaces at the start of a line


class Fault(Exception):
    """An error of the runtime's own, with one of AWS's type names."""

    def __init__(self, kind, message, trace=()):
        Exception.__init__(self, message)
        self.kind = kind
        self.trace = list(trace)


def describe(error, request_id=""):
    """The JSON value that AWS answers for an error."""
    if isinstance(error, Fault):
        return _value(_text(error), error.kind, request_id, error.trace)
    trace = stack(error.__traceback__)
    return _value(_text(error), type(error).__name__, request_id, trace)


def _value(message, kind, request_id, trace):
    return {
        "errorMessage": message,
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": trace,
    }


def _text(error):
    try:
        # An error may carry text that is no text, such as a file's name.
        return str(error).encode("utf-8", "backslashreplace").decode("utf-8")
    except Exception:
        return "<no message: %s.__str__ failed>" % type(error).__name__


def stack(tb):
    """The frames of a traceback as text, without this runtime's own."""
    import traceback

    frames = traceback.extract_tb(tb)
    while frames and _is_own(frames[0].filename):
        del frames[0]
    # From plain tuples: newer versions would mark columns below the line.
    plain = [(f.filename, f.lineno, f.name, f.line) for f in frames]
    return traceback.format_list(plain)


def _is_own(filename):
    return os.path.dirname(filename) == _OWN


def log(value):
    """Writes an error to the log, as text or as one JSON object."""
    from . import logs

    sys.stdout.write(logs.json_error(value) if logs.is_json() else text(value))


def text(value):
    """An error as AWS logs it: one line for the error, one for each line of the stack."""
    head = "[ERROR]"
    if value["errorType"]:
        head += " " + value["errorType"]
        head += ":" if value["errorMessage"] else ""
    if value["errorMessage"]:
        head += " " + value["errorMessage"]
    lines = [head, "Traceback (most recent call last):"]
    for frame in value["stackTrace"]:
        lines += [_indented(line) for line in frame.splitlines()]
    return "\n".join(lines) + "\n"


def _indented(line):
    stripped = line.lstrip(" ")
    return _INDENT * (len(line) - len(stripped)) + stripped
