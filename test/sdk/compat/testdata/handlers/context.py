MEMBERS = (
    "aws_request_id", "client_context", "function_name", "function_version",
    "invoked_function_arn", "log_group_name", "log_stream_name", "memory_limit_in_mb",
)


def handler(event, context):
    return {"event": event, "context": {name: getattr(context, name) for name in MEMBERS}}
