import time

time.sleep(1)  # long enough to be met while it is initialised


def handler(event, context):
    time.sleep(event.get("wait", 0))
    return event
