"""Says when it ran, so that what ran at the same time can be counted."""

import time


def handler(event, context):
    began = time.time_ns() // 1000
    time.sleep(event["ms"] / 1000)
    return {"began": began, "ended": time.time_ns() // 1000}
