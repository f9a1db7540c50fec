"""python3 -m unittest, in this folder."""

import base64
import json
import random
import struct
import unittest
import zlib
from pathlib import Path

import app
import png
from picture import Picture
from resize import cuts, fit, resize


def noise(width, height, channels):
    source = random.Random(7)
    rows = (bytes(source.randrange(256) for _ in range(width * channels)) for _ in range(height))
    return Picture(width, height, channels, tuple(rows))


def build(width, height, colour_type, raw, *extra, depth=8, interlaced=0):
    """A PNG from its parts, for what encode never writes."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, interlaced)
    parts = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return png.SIGNATURE + b"".join(png.chunk(kind, body) for kind, body in parts)


def event_of(data, **more):
    return {"image": base64.b64encode(data).decode("ascii"), **more}


def apply_filter(kind, row, above, step):
    """The five filters in the direction of a writer, as the standard defines them."""
    out = bytearray([kind])
    for i, value in enumerate(row):
        left = row[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        guess = [0, left, above[i], (left + above[i]) // 2, png.paeth(left, above[i], corner)][kind]
        out.append((value - guess) & 255)
    return bytes(out)


class Decode(unittest.TestCase):
    def test_round_trip(self):
        for channels in (1, 2, 3, 4):
            with self.subTest(channels=channels):
                picture = noise(13, 7, channels)
                self.assertEqual(png.decode(png.encode(picture)), picture)

    def test_every_filter(self):
        picture = noise(9, 6, 3)
        for kind in range(5):
            with self.subTest(filter=kind):
                above, raw = bytes(27), b""
                for row in picture.rows:
                    raw += apply_filter(kind, row, above, 3)
                    above = row
                self.assertEqual(png.decode(build(9, 6, png.RGB, raw)), picture)

    def test_paeth_breaks_ties_as_the_standard_says(self):
        cases = {(9, 1, 1): 9, (1, 9, 1): 9, (5, 7, 6): 6, (1, 7, 5): 1, (7, 1, 5): 1}
        for neighbours, closest in cases.items():
            with self.subTest(neighbours=neighbours):
                self.assertEqual(png.paeth(*neighbours), closest)

    def test_palette(self):
        raw = b"\0\0\1\2"
        palette = (b"PLTE", bytes([255, 0, 0, 0, 255, 0, 0, 0, 255]))
        self.assertEqual(png.decode(build(3, 1, png.PALETTE, raw, palette)).rows, (bytes([255, 0, 0, 0, 255, 0, 0, 0, 255]),))
        alpha = (b"tRNS", bytes([0, 128]))
        picture = png.decode(build(3, 1, png.PALETTE, raw, palette, alpha))
        self.assertEqual(picture.channels, 4)
        self.assertEqual(picture.rows, (bytes([255, 0, 0, 0, 0, 255, 0, 128, 0, 0, 255, 255]),))

    def test_what_is_refused(self):
        whole = png.encode(noise(4, 4, 3))
        damaged = bytearray(whole)
        damaged[45] ^= 1
        cases = {
            "not a PNG": (b"GIF89a", png.InvalidImage),
            "nothing": (b"", png.InvalidImage),
            "cut off": (whole[:-20], png.InvalidImage),
            "damaged": (bytes(damaged), png.InvalidImage),
            "no header": (png.SIGNATURE + png.chunk(b"IEND", b""), png.InvalidImage),
            "no width": (build(0, 4, png.GREY, b""), png.InvalidImage),
            "too few pixels": (build(4, 4, png.GREY, b"\0" * 19), png.InvalidImage),
            "unknown filter": (build(1, 1, png.GREY, b"\5\0"), png.InvalidImage),
            "no palette": (build(1, 1, png.PALETTE, b"\0\0"), png.InvalidImage),
            "beyond the palette": (build(1, 1, png.PALETTE, b"\0\1", (b"PLTE", b"\0\0\0")), png.InvalidImage),
            "16 bits": (build(1, 1, png.GREY, b"\0\0\0", depth=16), png.UnsupportedImage),
            "interlaced": (build(1, 1, png.GREY, b"\0\0", interlaced=1), png.UnsupportedImage),
            "huge": (build(60000, 60000, png.RGB, b""), png.ImageTooLarge),
        }
        for name, (data, error) in cases.items():
            with self.subTest(name), self.assertRaises(error):
                png.decode(data)

    def test_a_bomb_is_unpacked_no_further_than_the_picture(self):
        bomb = build(2, 2, png.GREY, b"\0" * 50_000_000)
        self.assertEqual(png.decode(bomb), Picture(2, 2, 1, (b"\0\0", b"\0\0")))


class Resize(unittest.TestCase):
    def test_mean(self):
        picture = Picture(4, 2, 1, (bytes([0, 100, 7, 7]), bytes([100, 200, 7, 8])))
        self.assertEqual(resize(picture, 2, 1).rows, (bytes([100, 7]),))

    def test_invisible_pixels_leave_no_fringe(self):
        picture = Picture(2, 1, 4, (bytes([200, 0, 0, 255, 0, 255, 0, 0]),))
        self.assertEqual(resize(picture, 1, 1).rows, (bytes([200, 0, 0, 128]),))

    def test_all_invisible(self):
        picture = Picture(2, 1, 2, (bytes([200, 0, 100, 0]),))
        self.assertEqual(resize(picture, 1, 1).rows, (bytes([0, 0]),))

    def test_fit_keeps_the_shape_and_never_enlarges(self):
        picture = Picture(300, 200, 1, ())
        self.assertEqual(fit(picture, 30, 30), (30, 20))
        self.assertEqual(fit(picture, 1000, 20), (30, 20))
        self.assertEqual(fit(picture, 1000, 1000), (300, 200))
        self.assertEqual(fit(Picture(5000, 2, 1, ()), 10, 10), (10, 1))

    def test_cuts_cover_everything_once(self):
        self.assertEqual(cuts(7, 3), [(0, 2), (2, 4), (4, 7)])


class Handler(unittest.TestCase):
    def test_the_event_of_the_readme(self):
        event = json.loads(Path(__file__).with_name("event.json").read_text())
        answer = app.handler(event, None)
        self.assertEqual((answer["width"], answer["height"]), (48, 36))
        self.assertEqual((answer["originalWidth"], answer["originalHeight"]), (160, 120))
        thumbnail = png.decode(base64.b64decode(answer["image"]))
        self.assertEqual((thumbnail.width, thumbnail.height, thumbnail.channels), (48, 36, 3))
        sky, hill = thumbnail.rows[2][:3], thumbnail.rows[34][:3]
        self.assertGreater(sky[2], 120)
        self.assertEqual(hill, bytes([24, 48, 40]))

    def test_what_is_refused(self):
        image = png.encode(noise(4, 4, 3))
        events = [
            None, [], {}, {"image": 5}, {"image": "%%%"}, {"image": "ä"}, event_of(image, maxWidth=0),
            event_of(image, maxHeight=5000), event_of(image, maxWidth="9"), event_of(image, maxWidth=True),
        ]
        for event in events:
            with self.subTest(event=str(event)[:40]), self.assertRaises(app.InvalidEvent):
                app.handler(event, None)


if __name__ == "__main__":
    unittest.main()
