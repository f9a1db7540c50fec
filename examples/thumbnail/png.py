"""Reads and writes PNG: 8 bits a channel, not interlaced (https://www.w3.org/TR/png-3/)."""

import struct
import zlib

from picture import Picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PIXELS = 4_000_000

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
COLOUR_TYPES = {1: GREY, 2: GREY_ALPHA, 3: RGB, 4: RGB_ALPHA}


class InvalidImage(ValueError):
    """The bytes are not a whole, correct PNG."""


class UnsupportedImage(ValueError):
    """A correct PNG of a kind that is not read here."""


class ImageTooLarge(ValueError):
    """The picture has more pixels than MAX_PIXELS."""


def decode(data):
    """Reads a PNG into a Picture. A palette becomes RGB, with alpha if it has any."""
    chunks = read_chunks(data)
    width, height, colour_type = read_header(chunks)
    channels = CHANNELS[colour_type]
    raw = inflate(chunks.get(b"IDAT", b""), (width * channels + 1) * height)
    rows = unfilter(raw, width * channels, channels)
    if colour_type == PALETTE:
        channels, rows = apply_palette(rows, chunks)
    return Picture(width, height, channels, tuple(rows))


def encode(picture):
    """Writes a Picture as a PNG, each row as the difference to the row above."""
    above = bytes(picture.width * picture.channels)
    filtered = bytearray()
    for row in picture.rows:
        filtered.append(2)
        filtered += bytes((here - up) & 255 for here, up in zip(row, above))
        above = row
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 8, COLOUR_TYPES[picture.channels], 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(filtered), 9)) + chunk(b"IEND", b"")


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def read_chunks(data):
    """The chunks up to IEND by their kind; those of one kind are joined."""
    if not data.startswith(SIGNATURE):
        raise InvalidImage("this is not a PNG: the signature is missing")
    chunks, at = {}, len(SIGNATURE)
    while b"IEND" not in chunks:
        if at + 12 > len(data):
            raise InvalidImage("the PNG is cut off")
        length, kind = struct.unpack_from(">I4s", data, at)
        body, check = data[at + 8:at + 8 + length], data[at + 8 + length:at + 12 + length]
        if check != struct.pack(">I", zlib.crc32(kind + body)):
            raise InvalidImage(f"the chunk at byte {at} is damaged")
        chunks[kind] = chunks.get(kind, b"") + body
        at += 12 + length
    return chunks


def read_header(chunks):
    """The width, height and colour type, when it is a picture that can be read."""
    if len(chunks.get(b"IHDR", b"")) != 13:
        raise InvalidImage("the PNG has no header")
    width, height, depth, colour_type, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if width == 0 or height == 0:
        raise InvalidImage("the picture is empty")
    if width * height > MAX_PIXELS:
        raise ImageTooLarge(f"{width} x {height} pixels are more than {MAX_PIXELS}")
    if depth != 8 or colour_type not in CHANNELS or interlaced:
        raise UnsupportedImage("only PNGs with 8 bits a channel and without interlacing are read")
    return width, height, colour_type


def inflate(packed, length):
    """Unpacks exactly length bytes, and never more: a small file may hold gigabytes."""
    try:
        raw = zlib.decompressobj().decompress(packed, length)
    except zlib.error as error:
        raise InvalidImage(f"the pixels cannot be unpacked: {error}") from None
    if len(raw) != length:
        raise InvalidImage(f"{len(raw)} bytes of pixels instead of {length}")
    return raw


def unfilter(raw, stride, step):
    """Yields the rows; step is how many bytes apart a pixel and its left neighbour are."""
    above = bytes(stride)
    for start in range(0, len(raw), stride + 1):
        row = bytearray(raw[start + 1:start + 1 + stride])
        kind = raw[start]
        if kind not in FILTERS:
            raise InvalidImage(f"a row has the unknown filter {kind}")
        FILTERS[kind](row, above, step)
        above = bytes(row)
        yield above


def undo_none(row, above, step):
    pass


def undo_sub(row, above, step):
    for i in range(step, len(row)):
        row[i] = (row[i] + row[i - step]) & 255


def undo_up(row, above, step):
    row[:] = bytes((here + up) & 255 for here, up in zip(row, above))


def undo_average(row, above, step):
    for i, up in enumerate(above):
        left = row[i - step] if i >= step else 0
        row[i] = (row[i] + (left + up) // 2) & 255


def undo_paeth(row, above, step):
    for i, up in enumerate(above):
        left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
        row[i] = (row[i] + paeth(left, up, corner)) & 255


def paeth(left, up, corner):
    """The neighbour that is closest to left + up - corner; ties in this order."""
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner


FILTERS = {0: undo_none, 1: undo_sub, 2: undo_up, 3: undo_average, 4: undo_paeth}


def apply_palette(rows, chunks):
    """Looks every pixel up; tRNS holds the alpha of the first colours."""
    colours, alphas = chunks.get(b"PLTE", b""), chunks.get(b"tRNS", b"")
    if not colours or len(colours) % 3 or len(colours) > 3 * 256:
        raise InvalidImage("the palette is missing or damaged")
    palette = [colours[i:i + 3] for i in range(0, len(colours), 3)]
    if alphas:
        palette = [colour + (alphas[i:i + 1] or b"\xff") for i, colour in enumerate(palette)]
    try:
        return len(palette[0]), [b"".join(palette[index] for index in row) for row in rows]
    except IndexError:
        raise InvalidImage("a pixel has a colour that the palette lacks") from None
