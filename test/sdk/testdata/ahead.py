"""A function that tells how its environment was made."""

import os
import time
import uuid

identity = str(uuid.uuid4())


def handler(event, context):
    if "exit" in event:
        os._exit(event["exit"])
    time.sleep(event.get("sleep", 0))
    return {"type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "id": identity, "pid": os.getpid()}
