"""A module with a function, to be imported as a function's is."""

import os


def handler(event, context):
    return {"event": event, "name": os.path.basename(__file__)}
