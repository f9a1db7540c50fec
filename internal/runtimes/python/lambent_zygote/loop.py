"""The zygote's life: it loads, then forks on request and tells how its children ended."""

import gc
import json
import os
import select
import signal
import socket
import sys

from . import box, child, immortal, kernel, library, rehearsal

_CONTROL = 3
_PACKET = 64 * 1024
_DESCRIPTORS = 16
# Until Python has adapted its code to what runs, which its children then share.
_REHEARSALS = 16
_KILLED_FIRST = 100  # above who started it, as commands are; children inherit it


def serve():
    """Serves until Lambent closes the conversation. Returns in a child only, with what
    the child is to run."""
    os.environ.pop("LD_BIND_NOW", None)  # it has had its effect, and is no function's
    control = socket.socket(fileno=_CONTROL)
    control.set_inheritable(False)
    kernel.die_with_parent(signal.SIGKILL)
    _be_killed_first()
    rights = box.Rights(_receive(control)[0])
    rights.prepare()
    library.load()
    for _ in range(_REHEARSALS):
        rehearsal.play()
    zygote = _Zygote(control, rights)
    rights.restrict()
    gc.collect()
    immortal.make()
    if hasattr(gc, "freeze"):
        gc.freeze()  # a collection in a child does not touch, and so copy, what it shares
    control.send(b"{}")
    return zygote.serve()


def _be_killed_first():
    with open("/proc/self/oom_score_adj", "r+") as file:
        score = min(int(file.read()) + _KILLED_FIRST, 1000)
        file.seek(0)
        file.write(str(score))


def _receive(control):
    """One packet and the descriptors beside it; (None, []) at the end."""
    size = socket.CMSG_SPACE(4 * _DESCRIPTORS)
    data, ancillary, _, _ = control.recvmsg(_PACKET, size, socket.MSG_CMSG_CLOEXEC)
    descriptors = []
    for _, _, raw in ancillary:
        descriptors += [
            int.from_bytes(raw[at : at + 4], sys.byteorder) for at in range(0, len(raw) - 3, 4)
        ]
    return (json.loads(data.decode()) if data else None), descriptors


class _Zygote:
    def __init__(self, control, rights):
        self._control = control
        self._rights = rights
        self._children = {}  # id by pid
        self._woken, wake = os.pipe()
        for descriptor in (self._woken, wake):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def serve(self):
        poll = select.poll()
        for descriptor in (self._control.fileno(), self._woken):
            poll.register(descriptor, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._woken:
                    self._reap()
                    continue
                run = self._answer()
                if run is not None:
                    return run

    def _answer(self):
        """Carries out one request. In a forked child it returns what that is to run."""
        request, descriptors = _receive(self._control)
        if request is None:
            os._exit(0)  # the children have no parent any more, and end
        run = None
        try:
            if "signal" in request:
                self._signal(request)
            else:
                run = self._fork(request, *descriptors)
        except Exception as error:
            self._tell({"id": request["id"], "error": str(error)})
        if run is None:
            for descriptor in descriptors:
                os.close(descriptor)
        return run

    def _fork(self, request, init, *descriptors):
        kernel.setns(init, kernel.CLONE_NEWPID)  # of what is forked, not its own
        pid = kernel.fork()
        if pid == 0:
            self._control.detach()  # its number becomes another descriptor's
            return child.become(self._rights, request["rehearse"], init, *descriptors)
        self._children[pid] = request["id"]
        return None

    def _signal(self, request):
        for pid, known in self._children.items():
            if known == request["id"]:
                os.kill(pid, request["signal"])

    def _tell(self, message):
        self._control.send(json.dumps(message).encode())

    def _reap(self):
        os.read(self._woken, _PACKET)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            name = self._children.pop(pid, None)
            if name is not None:  # a child may give its parent more (CLONE_PARENT)
                self._tell({"id": name, "exit": _exit(status)})


def _exit(status):
    if os.WIFSIGNALED(status):
        return {"code": 0, "signal": os.WTERMSIG(status)}
    return {"code": os.WEXITSTATUS(status), "signal": 0}
