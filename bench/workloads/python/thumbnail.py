"""A thumbnail: the mean of each square of pixels, written as a PNG."""

import time

BORN = time.time_ns() // 1000

import struct
import zlib


def handler(event, context):
    small = shrink(picture(event["edge"]), event["edge"], event["by"])
    image = png(small, event["edge"] // event["by"])
    return {"born": BORN, "result": {"sum": sum(small), "png": image[:8].hex()}}


def picture(edge):
    return bytes((x * y + x + 3 * c) & 255 for y in range(edge) for x in range(edge) for c in range(3))


def shrink(pixels, edge, by):
    out = bytearray()
    for top in range(0, edge, by):
        for left in range(0, edge, by):
            for c in range(3):
                out.append(mean(pixels, edge, by, top, left, c))
    return out


def mean(pixels, edge, by, top, left, c):
    total = 0
    for y in range(top, top + by):
        start = 3 * (y * edge + left) + c
        total += sum(pixels[start : start + 3 * by : 3])
    return total // (by * by)


def png(pixels, edge):
    lines = b"".join(b"\0" + pixels[3 * edge * y : 3 * edge * (y + 1)] for y in range(edge))
    head = struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
