"""A function that calls another one, by Lambent's own address."""

import json
import os
import time
import urllib.request


def call(event, context):
    time.sleep(event.get("sleep", 0))
    url = os.environ["AWS_ENDPOINT_URL_LAMBDA"] + "/2015-03-31/functions/" + event["name"] + "/invocations"
    with urllib.request.urlopen(urllib.request.Request(url, data=b"{}", method="POST")) as answer:
        return json.load(answer)
