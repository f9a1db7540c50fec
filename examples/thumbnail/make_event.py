"""Paints a small landscape and writes event.json: python3 make_event.py."""

import base64
import json
import math

import png
from picture import Picture

WIDTH, HEIGHT = 160, 120


def colour(x, y):
    """Two rows of hills before an evening sky with a low sun."""
    if y > 92 + 8 * math.sin(x / 17):
        return 24, 48, 40
    if y > 74 + 12 * math.sin(x / 29 + 2):
        return 52, 84, 76
    if math.hypot(x - 112, y - 58) < 14:
        return 255, 226, 150
    dusk = y / HEIGHT
    return int(70 + 185 * dusk), int(90 + 70 * dusk), int(150 - 40 * dusk)


def main():
    rows = tuple(bytes(value for x in range(WIDTH) for value in colour(x, y)) for y in range(HEIGHT))
    image = png.encode(Picture(WIDTH, HEIGHT, 3, rows))
    event = {"image": base64.b64encode(image).decode("ascii"), "maxWidth": 48, "maxHeight": 48}
    with open("event.json", "w", encoding="ascii") as file:
        json.dump(event, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
