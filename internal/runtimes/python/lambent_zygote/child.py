"""A forked child, from the fork until it waits for its workload."""

import os
import random
import signal
import sys
import threading
import time
import traceback

from lambent_runtime import loop, start, stream

from . import box, rehearsal


def become(rights, rehearse, init, output, channel, begin, *doors):
    """Moves the calling process, just forked, into its box. Returns what it is to run."""
    try:
        _own_signals()
        box.enter(init, doors)
        box.arrange(output, channel, begin)  # before others in the box may look into it
        _own_values()
        loop.line_buffered()
        _await_box()
        rights.take()
        stream.early.append(stream.take(box.STREAM))
        if rehearse:
            rehearsal.play()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    return _run


def _own_signals():
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _own_values():
    """Nothing that must differ between two children is the zygote's. OpenSSL, secrets and
    uuid take theirs from the kernel; random does since Python 3.7 by itself."""
    random.seed()
    main = threading.main_thread()
    if hasattr(main, "_set_native_id"):
        main._set_native_id()
    process = sys.modules.get("multiprocessing.process")
    if process is not None:
        secret = process.AuthenticationString(os.urandom(32))
        process.current_process()._config["authkey"] = secret
    logging = sys.modules.get("logging")
    if logging is not None:
        fine = isinstance(logging._startTime, int)
        logging._startTime = time.time_ns() if fine else time.time()


def _await_box():
    """Waits until the box is finished; one that never is needs no interpreter."""
    if not os.read(box.START, 1):
        os._exit(0)


def _run():
    sys.argv = [start.PROGRAM]
    start.workload(box.START, seeded=True)
    if start.outdated():
        start.afresh()
    loop.serve(True)
