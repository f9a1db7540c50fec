import logging

logging.getLogger().setLevel(logging.INFO)


def handler(event, context):
    logging.getLogger().info("RequestId log message")
    return context.aws_request_id
