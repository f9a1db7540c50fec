"""A function that remembers in which order what is its own ran, and when."""

import os
import random
import secrets
import time
import uuid

from snapshot_restore_py import register_after_restore, register_before_snapshot

steps = ["init"]
print("marker: init")
began = time.time()
time.sleep(float(os.environ.get("SLOW", "0")))
drawn = [random.random(), secrets.token_hex(8), str(uuid.uuid4())]


@register_before_snapshot
def first_before():
    steps.append("before 1")


@register_before_snapshot
def second_before():
    steps.append("before 2")
    if "BREAK_BEFORE" in os.environ:
        raise RuntimeError("broken before")


@register_after_restore
def first_after():
    steps.append("after 1")
    time.sleep(float(os.environ.get("SLOW_RESTORE", "0")))


def second_after(what, end=""):
    steps.append(what + end)
    if "BREAK_AFTER" in os.environ:
        raise RuntimeError("broken after")


register_after_restore(second_after, "after", end=" 2")


def handler(event, context):
    time.sleep(event.get("sleep", 0))
    if "exit" in event:
        os._exit(event["exit"])
    import snapshot_restore_py

    return {
        "steps": steps, "began": began, "now": time.time(), "drawn": drawn, "pid": os.getpid(),
        "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "module": snapshot_restore_py.__file__,
    }
