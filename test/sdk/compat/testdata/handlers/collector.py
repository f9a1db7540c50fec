notes = []


def handler(event, context):
    if "note" in event:
        notes.append(event["note"])
    return notes
