import json
import os
import time
import urllib.error
import urllib.request

COLLECTOR = os.environ["AWS_ENDPOINT_URL_LAMBDA"] + "/2015-03-31/functions/" + os.environ["COLLECTOR"] + "/invocations"


def report(note):
    request = urllib.request.Request(COLLECTOR, data=json.dumps({"note": note}).encode(), method="POST")
    while True:
        try:
            return urllib.request.urlopen(request).read()
        except urllib.error.HTTPError as error:
            if error.code != 429:  # the collector is at work
                raise
            time.sleep(0.05)


def handler(event, context):
    if "sleep" in event:
        report("begun")
        time.sleep(event["sleep"])
    report(event["name"] + "--" + os.environ["VARIANT"])
