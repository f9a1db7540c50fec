import pathlib
import time

FILE = pathlib.Path("/tmp/note")
number = 0


def handler(event, context):
    global number
    if "sleep" in event:
        time.sleep(event["sleep"])
    if "number" in event:
        number = event["number"]
    if "content" in event:
        FILE.write_text(event["content"])
    if event.get("read") == "number":
        return {"number": number}
    if event.get("read") == "content":
        return {"content": FILE.read_text()}
