"""One instance's life: start, the function's init, one invocation after another."""

import os
import sys
import time

from . import codec, context, faults, logs, stream

_INITIALIZATION = "AWS_LAMBDA_INITIALIZATION_TYPE"


def main():
    """Runs until Lambent closes the stream, or the function ends the process."""
    line_buffered()
    waits = "LAMBENT_START" in os.environ
    if waits:
        from . import start

        start.workload(int(os.environ["LAMBENT_START"][len("fd:") :]))
    serve(waits)


def serve(waited):
    """Initialises the function and runs it. An interpreter that waited for its function
    says with one frame what another says with two: each is somebody's wake-up."""
    try:
        link = _receive()
        began = time.monotonic()
        if not waited:
            link.write(stream.BEGUN)
        restored = os.environ.get(_INITIALIZATION) == "snap-start"  # before the function can change it
        handler = _init(link)
        if handler is None or restored and not _before_snapshot(link):
            sys.exit(1)
        took = int((time.monotonic() - began) * 1e6)
        link.write(stream.READY, took.to_bytes(4, "big"))
        if restored and not _after_restore(link):
            sys.exit(1)
        function = context.of_function()
        while True:
            turn(link, handler, function)
    except stream.Closed:
        sys.exit(0)


def _receive():
    if os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY"):
        from . import workers

        return workers.receive()
    return stream.receive()


def line_buffered():
    """A line is in the log as soon as it is printed. Both streams are flushed before
    an answer is sent."""
    for name in ("stdout", "stderr"):
        old = getattr(sys, name)
        if hasattr(old, "reconfigure"):
            old.reconfigure(line_buffering=True)
            continue
        import io  # Python 3.6, which also knows no UTF-8 without a locale

        old.flush()  # its file may remember of what the descriptor was before that it could seek
        file = io.BufferedWriter(io.FileIO(old.fileno(), "w", closefd=False))
        new = io.TextIOWrapper(file, "utf-8", "surrogateescape", line_buffering=True)
        setattr(sys, name, new)
        setattr(sys, "__%s__" % name, new)


def _flush():
    for output in (sys.stdout, sys.stderr):
        try:
            output.flush()
        except (AttributeError, OSError, ValueError):
            pass  # the function replaced or closed it


def _init(link):
    """Imports the function. Returns its handler, or None once the error is told."""
    from . import handler, modules

    modules.install({"logging": logs.install})
    logs.settle()
    runtime_dir = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    handler.search_path(os.environ.get("LAMBDA_TASK_ROOT", "/var/task"), runtime_dir)
    try:
        found = handler.load(os.environ.get("_HANDLER", ""))
    except Exception as error:
        _report(link, stream.INIT_ERROR, error, "")
        return None
    _flush()
    return found


def _before_snapshot(link):
    """The function's hooks after its init. False once an error is told."""
    from . import snapshot

    try:
        snapshot.before()
    except Exception as error:
        _report(link, stream.INIT_ERROR, error, "", "Runtime.BeforeSnapshotError")
        return False
    _flush()
    return True


def _after_restore(link):
    """Waits until a request needs this interpreter; then the function's hooks. False once
    an error is told."""
    from . import snapshot

    link.await_restore()
    began = time.monotonic()
    try:
        snapshot.after()
    except Exception as error:
        _report(link, stream.RESTORE_ERROR, error, "", "Runtime.AfterRestoreError")
        return False
    _flush()
    link.write(stream.RESTORED, int((time.monotonic() - began) * 1e6).to_bytes(4, "big"))
    return True


def turn(link, handler, function):
    """One invocation. SystemExit and its like are the function's way out."""
    meta, event = link.read()
    meta = codec.decode(meta)
    logs.Request.id = meta["id"]
    logs.Request.tenant_id = meta.get("tenantId")
    _trace(meta.get("traceId"))
    try:
        answer = _answer(handler, event, context.LambdaContext(meta, function))
    except Exception as error:
        _report(link, stream.ERROR, error, meta["id"])
        return
    _flush()
    link.write(stream.RESPONSE, answer)


def _answer(handler, event, about):
    try:
        value = codec.decode(event)
    except Exception as error:
        raise faults.Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error)
    value = handler(value, about)
    if isinstance(value, bytes):
        return value  # AWS passes bytes on as they are
    try:
        return codec.encode(value)
    except Exception as error:
        raise faults.Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error)


def _trace(trace_id):
    if trace_id:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)


def _report(link, kind, error, request_id, error_type=""):
    """Tells Lambent of an error, after the log has it; of another type than the log's if
    one is given."""
    value = faults.describe(error, request_id)
    try:
        faults.log(value)
    except (AttributeError, OSError, ValueError):
        pass  # the function replaced or closed its output: the answer still goes
    _flush()
    value["errorType"] = error_type or value["errorType"]
    link.write(kind, codec.encode(value))
