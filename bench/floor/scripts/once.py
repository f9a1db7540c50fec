# Runs a handler once: the event from standard input, the answer to standard output.
import importlib
import json
import sys

sys.path.insert(0, sys.argv[1])
answer = importlib.import_module(sys.argv[2]).handler(json.load(sys.stdin), None)
print(json.dumps(answer), flush=True)
