"""Tests of the parts that need no stream; run by TestPythonUnits in every
interpreter of the host."""

import json
import os
import random
import socket
import sys
import unittest
import weakref
from decimal import Decimal

sys.path.insert(0, sys.argv.pop())

from lambent_runtime import codec, faults, handler, logs, stream  # noqa: E402
from lambent_zygote import immortal  # noqa: E402


def value(rand, depth=0):
    kinds = [
        lambda: None,
        lambda: rand.random() < 0.5,
        lambda: rand.randint(-(10 ** 20), 10 ** 20),
        lambda: rand.uniform(-1e300, 1e300),
        lambda: "".join(chr(rand.choice([9, 34, 92, 97, 233, 8232, 128512])) for _ in range(5)),
        lambda: [value(rand, depth + 1) for _ in range(rand.randint(0, 4))],
        lambda: {str(i): value(rand, depth + 1) for i in range(rand.randint(0, 4))},
    ]
    return rand.choice(kinds if depth < 4 else kinds[:5])()


class Ends:
    def __init__(self):
        self.told = []

    def __del__(self):
        self.told.append("ended")


def counts(thing):
    """Whether a reference to it is counted."""
    before = sys.getrefcount(thing)
    more = [thing] * 10
    return sys.getrefcount(thing) - before == len(more)


def ends(thing):
    """Whether it ends with its last reference, which is the caller's list's."""
    told, gone = thing[0].told, []
    watch = weakref.ref(thing[0], lambda _: gone.append("gone"))
    thing.clear()
    return told == ["ended"] and gone == ["gone"] and watch() is None


class Immortal(unittest.TestCase):
    """Each in a process of its own: nothing can be made mortal again."""

    def in_child(self, check):
        pid = os.fork()
        if pid == 0:
            os._exit(0 if check() else 1)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)

    def test_what_is_shared_is_not_counted(self):
        known = sys.version_info[:2] in ((3, 12), (3, 13))

        def check():
            things = [json.dumps, json.dumps.__code__, json.JSONEncoder, json.__dict__, ("a tuple", Ends)]
            counted = [counts(thing) for thing in things]
            immortal.make()
            return all(counted) and not any(counts(thing) for thing in things) == known

        self.in_child(check)

    def test_objects_of_programs_end(self):
        def check():
            earlier = [Ends()]
            immortal.make()
            later = [Ends()]
            return ends(earlier) and ends(later) and counts([]) and counts(lambda: None)

        self.in_child(check)


class Codec(unittest.TestCase):
    def test_agrees_with_the_package_json(self):
        rand = random.Random(7)
        for _ in range(300):
            v = value(rand)
            want = json.dumps(v, ensure_ascii=sys.version_info < (3, 12))
            self.assertEqual(codec.encode(v).decode("utf-8"), want)
            self.assertEqual(codec.decode(want.encode("utf-8")), v)

    def test_without_its_c_half(self):
        kept = codec._json, codec._scan, codec._quote
        codec._json, codec._scan, codec._quote = None, None, codec._quote_slowly
        try:
            v = {"a": [1, "é", None], "d": [Decimal("1.10"), Decimal("2")]}
            self.assertEqual(json.loads(codec.encode(v).decode("utf-8")), {"a": [1, "é", None], "d": [1.1, 2]})
            self.assertIn(b"1.10", codec.encode(v))
            self.assertEqual(codec.decode(b' {"a": 1} '), {"a": 1})
            self.assertEqual(json.loads(codec.encode("é").decode("utf-8")), "é")
        finally:
            codec._json, codec._scan, codec._quote = kept

    def test_refuses_what_is_no_json(self):
        for text in (b"", b"{", b"nul", b"1 2", b"\xff", b"[1,]", b"'a'"):
            with self.assertRaises(ValueError):
                codec.decode(text)


class Faults(unittest.TestCase):
    def test_log_lines(self):
        describe = {"errorType": "E", "errorMessage": "m", "stackTrace": ["  File x\n    y\n"]}
        want = "[ERROR] E: m\nTraceback (most recent call last):\n\u00a0\u00a0File x\n\u00a0\u00a0\u00a0\u00a0y\n"
        self.assertEqual(faults.text(describe), want)
        bare = {"errorType": "E", "errorMessage": "", "stackTrace": []}
        self.assertEqual(faults.text(bare), "[ERROR] E\nTraceback (most recent call last):\n")

    def test_frames_of_the_runtime_are_left_out(self):
        try:
            handler.load("nowhere.handler")
        except faults.Fault as fault:
            self.assertEqual(faults.stack(fault.__traceback__.tb_next), [])


class Stream(unittest.TestCase):
    def pair(self):
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        link = stream.Stream((theirs.fileno(), theirs.detach()))
        self.addCleanup(link._forget)
        return ours, link

    def test_a_frame_in_pieces(self):
        ours, link = self.pair()
        frame = b"\x01\0\0\0" + (4 + 2 + 5).to_bytes(4, "big") + (2).to_bytes(4, "big") + b"{}event"
        for size in (1, 3, 8, len(frame)):
            for at in range(0, len(frame), size):
                ours.sendall(frame[at:at + size])
            self.assertEqual(link.read(), (b"{}", b"event"))

    def test_writes(self):
        ours, link = self.pair()
        link.write(stream.READY)
        link.write(stream.RESPONSE, b"abc")
        self.assertEqual(ours.recv(100), b"\x81\0\0\0\0\0\0\0\x83\0\0\0\0\0\0\x03abc")

    def test_closed(self):
        ours, link = self.pair()
        ours.sendall(b"\x01\0\0\0\0\0\0\x20half")
        ours.close()
        with self.assertRaises(stream.Closed):
            link.read()
        with self.assertRaises(stream.Closed):
            link.write(stream.READY)


class Logs(unittest.TestCase):
    def test_levels(self):
        for name, want in (("TRACE", "DEBUG"), ("info", "INFO"), ("FATAL", "CRITICAL"), ("", "")):
            os.environ["AWS_LAMBDA_LOG_LEVEL"] = name
            self.assertEqual(logs.level(), want)


if __name__ == "__main__":
    unittest.main()
