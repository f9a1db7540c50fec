"""A function on AWS's own client for Python, unchanged."""

import os


def handler(event, context):
    do = event.get("do")
    if do == "fail":
        raise ValueError("the basket is empty")
    if do == "exit":
        os._exit(3)
    if do == "big":
        return "x" * (7 << 20)
    return {
        "event": event,
        "id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "deadline": context.get_remaining_time_in_millis() > 0,
        "client": context.client_context.custom if context.client_context else None,
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
    }
