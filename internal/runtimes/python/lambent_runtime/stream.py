"""The framed stream to Lambent: see package runtimeapi for the protocol."""

import os
import sys

INVOKE = 0x01
RESTORE = 0x02
READY = 0x81
INIT_ERROR = 0x82
RESPONSE = 0x83
ERROR = 0x84
BEGUN = 0x85
RESTORED = 0x86
RESTORE_ERROR = 0x87

_HEADER = 8
_CHUNK = 1 << 16


class Closed(Exception):
    """Lambent closed the stream: the runtime has to leave."""


def receive():
    """Takes the stream that Lambent hands over and hides how it came."""
    return Stream(Channel().receive())


# Names a stream that came to an interpreter that waited, and then became a fresh one.
EARLY = "LAMBENT_STREAM_EARLY"

# Descriptors of streams that came before they were asked for: of each, what is read and
# what is written.
early = [
    tuple(map(int, numbers.split("/")))
    for numbers in os.environ.pop(EARLY, "").split(",")
    if numbers
]


def take(number):
    """Waits for a stream that comes over a channel; returns what is read of it and what is
    written, which may be the same."""
    import _socket  # its Python half costs more than the rest of the start

    channel = _socket.socket(fileno=number)
    _, ancillary, _, _ = channel.recvmsg(
        1, _socket.CMSG_SPACE(8), _socket.MSG_CMSG_CLOEXEC
    )
    # It stays open, closing it would end the channel; but not as an object: Python 3.7
    # to 3.9 crash when they free one at their end.
    channel.detach()
    if not ancillary:
        raise Closed()
    rights = ancillary[0][2]
    answers = int.from_bytes(rights[:4], sys.byteorder)
    os.set_blocking(answers, True)
    events = int.from_bytes(rights[4:8], sys.byteorder) if len(rights) > 4 else answers
    return events, answers


def close(descriptors):
    """Closes a stream's descriptors."""
    for descriptor in set(descriptors):
        os.close(descriptor)


class Channel:
    """Where streams come from, as descriptors."""

    def __init__(self, variable="LAMBENT_STREAM"):
        self._number = int(os.environ.pop(variable)[len("fd:"):])
        for number in sum(early, (self._number,)):
            os.set_inheritable(number, False)

    def receive(self):
        """Waits for a stream; returns its descriptors."""
        return early.pop() if early else take(self._number)

    def close(self):
        """Closes this process's end."""
        os.close(self._number)


class Stream:
    """Frames over descriptors. One thread uses it."""

    def __init__(self, descriptors):
        self._events, self._answers = descriptors
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self):
        """A forked child must not answer for its parent."""
        if self._answers >= 0:
            close((self._events, self._answers))
            self._events = self._answers = -1

    def read(self):
        """Waits for an Invoke frame; returns meta and event as bytes."""
        data = self._first()
        size = int.from_bytes(data[4:_HEADER], "big")
        if data[0] != INVOKE or size < 4:
            raise Closed()
        payload = self._rest(data, size)
        split = 4 + int.from_bytes(payload[:4], "big")
        return payload[4:split], payload[split:]

    def await_restore(self):
        """Waits for a Restore frame."""
        data = self._first()
        if data[0] != RESTORE or len(data) != _HEADER:
            raise Closed()

    def _first(self):
        data = b""
        while len(data) < _HEADER:
            more = self._read(_CHUNK)
            data = data + more if data else more
        return data

    def _rest(self, data, size):
        """The payload; what came with the header is its start."""
        if len(data) == _HEADER + size:
            return data[_HEADER:]
        payload = bytearray(size)
        have = len(data) - _HEADER
        payload[:have] = data[_HEADER:]
        view = memoryview(payload)
        while have < size:
            got = os.readv(self._events, [view[have:]])
            if not got:
                raise Closed()
            have += got
        return bytes(payload)

    def _read(self, size):
        if self._events < 0:
            raise Closed()
        try:
            data = os.read(self._events, size)
        except ConnectionError:
            raise Closed()
        if not data:
            raise Closed()
        return data

    def write(self, kind, payload=b""):
        """Sends one frame, whatever its size: several mean a streamed answer."""
        if self._answers < 0:
            raise Closed()
        header = bytes((kind, 0, 0, 0)) + len(payload).to_bytes(4, "big")
        try:
            sent = os.writev(self._answers, [header, payload])
            while sent < _HEADER:
                sent += os.writev(self._answers, [header[sent:], payload])
            while sent < _HEADER + len(payload):
                sent += os.write(self._answers, memoryview(payload)[sent - _HEADER:])
        except ConnectionError:
            raise Closed()
