import time

BORN = time.time_ns() // 1000  # µs of CLOCK_REALTIME: proves when this module was imported


def handler(event, context):
    return {"born": BORN, "result": "Hello, " + event.get("name", "you") + "!"}
