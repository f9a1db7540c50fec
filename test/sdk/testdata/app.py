"""Functions that the tests invoke."""

import json
import os
import sys
import time

number = 0


def echo(event, context):
    print("echo says", json.dumps(event))
    return event


def describe(event, context):
    return {
        "request": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "name": context.function_name,
        "version": context.function_version,
        "memory": context.memory_limit_in_mb,
        "group": context.log_group_name,
        "setting": os.environ.get("SETTING"),
        "remaining": context.get_remaining_time_in_millis() > 0,
    }


def state(event, context):
    """Keep something in a file of /tmp and in the module, and sleep if asked to."""
    global number
    if "number" in event:
        number = event["number"]
    if "content" in event:
        with open("/tmp/content", "w") as file:
            file.write(event["content"])
    time.sleep(event.get("sleep", 0))
    content = None
    if os.path.exists("/tmp/content"):
        with open("/tmp/content") as file:
            content = file.read()
    return {"number": number, "content": content}


def leave(event, context):
    if "code" in event:
        sys.stdout.flush()
        os._exit(event["code"])
    return "still here"


def hoard(event, context):
    hoarded = []
    for _ in range(event.get("mib", 0)):
        hoarded.append(bytearray(os.urandom(1)) * (1 << 20))
    return len(hoarded)


def large(event, context):
    return "x" * event["size"]


def unserializable(event, context):
    return {"set": {1, 2}}


def broken(event, context):
    raise ValueError("this basket is empty")


def burn(event, context):
    """Use a CPU for a time, or an amount of its time."""
    until = time.monotonic() + event.get("seconds", 0)
    used = time.process_time() + event.get("cpu", 0)
    while time.monotonic() < until or time.process_time() < used:
        pass
    return "burnt"


def trace(event, context):
    return os.environ.get("_X_AMZN_TRACE_ID")
