"""Compression of text and back."""

import time

BORN = time.time_ns() // 1000

import zlib

WORDS = ["cold", "warm", "stem", "fork", "function", "tier", "receipt", "queue"]


def handler(event, context):
    text = words(event["words"]).encode()
    packed = zlib.compress(text, 6)
    back = zlib.decompress(packed)
    return {"born": BORN, "result": {"bytes": len(back), "same": back == text, "smaller": len(packed) < len(text)}}


def words(count):
    x, out = 1, []
    for _ in range(count):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
        out.append(WORDS[x >> 28])
    return " ".join(out)
