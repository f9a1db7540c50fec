# The least that runs a handler for somebody else: reads events of a length in four bytes from
# standard input, writes answers in the same way to standard output. No logs, no context.
import importlib
import json
import os
import sys

sys.path.insert(0, sys.argv[1])
handler = importlib.import_module(sys.argv[2]).handler

while True:
    data = os.read(0, 65536)
    if not data:
        break
    size = 4 + int.from_bytes(data[:4], "big")
    while len(data) < size:
        data += os.read(0, 65536)
    body = json.dumps(handler(json.loads(data[4:]), None)).encode()
    os.write(1, len(body).to_bytes(4, "big") + body)
