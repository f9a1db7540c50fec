"""Logging as on Lambda: a handler on the root logger that knows the request.

Imported together with the package logging, or for an error in JSON.
"""

import os
import sys
import time

_TIME = "%Y-%m-%dT%H:%M:%S"
_TEXT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"

# The attributes of every record; others were given by the function as extra.
_RECORD = frozenset(
    """
    name msg args levelname levelno pathname filename module exc_info exc_text
    stack_info lineno funcName created msecs relativeCreated thread threadName
    processName process taskName aws_request_id tenant_id
    """.split()
)


class Request:
    """The invocation that runs; empty between invocations of an instance's life."""

    id = ""
    tenant_id = None


def is_json():
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


def level():
    """The least level that is written, or "". TRACE is none of Python's."""
    name = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    return {"TRACE": "DEBUG", "FATAL": "CRITICAL"}.get(name, name)


def json_error(value):
    """One line for an error that nobody handled."""
    from . import codec

    line = {"timestamp": time.strftime(_TIME + "Z", time.gmtime()), "level": "ERROR"}
    line.update(value)
    return codec.encode(line).decode("utf-8") + "\n"


_handler = None


def install(logging):
    """Sets up the root logger; logging is the package, just imported. A zygote does it for
    its children, which settle what is their function's."""
    global _handler
    handler_kind, filter_kind = _kinds(logging)
    _handler = handler_kind()
    _handler.setFormatter(_formatter(logging))
    _handler.addFilter(filter_kind())
    logging.Formatter.converter = time.gmtime
    logging.getLogger().addHandler(_handler)
    settle()


def settle():
    """Gives the root logger, if it is set up, the form and the level that the function's
    configuration asks for."""
    if _handler is None or not (is_json() or level()):
        return
    logging = sys.modules["logging"]
    _handler.setFormatter(_formatter(logging))
    if isinstance(logging.getLevelName(level()), int):
        logging.getLogger().setLevel(level())


def _kinds(logging):
    class Handler(logging.Handler):
        def emit(self, record):
            try:
                sys.stdout.write(self.format(record))
            except Exception:
                self.handleError(record)

    class Filter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = Request.id
            record.tenant_id = Request.tenant_id
            return True

    return Handler, Filter


def _formatter(logging):
    if not is_json():
        return logging.Formatter(_TEXT, _TIME)

    class JSON(logging.Formatter):
        def format(self, record):
            import json

            line = _line(self, record)
            text = json.dumps(line, ensure_ascii=False, default=str)
            return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"

    return JSON(datefmt=_TIME + "Z")


def _line(formatter, record):
    """A record as AWS writes it: known keys first, then what the function gave as
    extra; empty ones are left out."""
    plain = isinstance(record.msg, dict) and not record.args
    line = {
        "timestamp": formatter.formatTime(record, formatter.datefmt),
        "level": record.levelname,
        "message": record.msg if plain else record.getMessage(),
        "logger": record.name,
    }
    line.update(_exception(record))
    line["requestId"] = record.aws_request_id
    line["tenantId"] = record.tenant_id
    for key, value in record.__dict__.items():
        if key not in _RECORD:
            line.setdefault(key, value)
    return {key: value for key, value in line.items() if value is not None}


def _exception(record):
    if not record.exc_info or record.exc_info[0] is None:
        return {}
    import traceback

    kind, error, tb = record.exc_info
    return {
        "stackTrace": traceback.format_tb(tb),
        "errorType": kind.__name__,
        "errorMessage": str(error),
        "location": "%s:%s:%s" % (record.pathname, record.funcName, record.lineno),
    }
