"""A bad neighbour: burns CPU, memory or the disk of /tmp for as long as the event says."""

import os
import time


def handler(event, context):
    end = time.monotonic() + event["seconds"]
    burn = {"cpu": cpu, "memory": memory, "io": io}[event["kind"]]
    rounds = 0
    while time.monotonic() < end:
        burn()
        rounds += 1
    return {"rounds": rounds}


def cpu():
    sum(i * i for i in range(10000))


def memory():
    block = bytearray(48 << 20)
    block[::4096] = b"x" * len(block[::4096])


def io():
    with open("/tmp/burn", "wb") as file:
        for _ in range(16):
            file.write(b"x" * (1 << 20))
        file.flush()
        os.fsync(file.fileno())
