"""Box resampling: a pixel of the thumbnail is the mean of the pixels below it."""

from operator import mul

from picture import Picture


def fit(picture, max_width, max_height):
    """The largest size within the bounds with the picture's shape, never larger than it."""
    scale = min(1, max_width / picture.width, max_height / picture.height)
    return max(1, round(picture.width * scale)), max(1, round(picture.height * scale))


def resize(picture, width, height):
    columns = cuts(picture.width, width)
    rows = []
    for top, bottom in cuts(picture.height, height):
        box = picture.rows[top:bottom]
        row = bytearray()
        for left, right in columns:
            row += mean(picture, box, left, right)
        rows.append(bytes(row))
    return Picture(width, height, picture.channels, tuple(rows))


def cuts(length, parts):
    """Cuts a length into parts of nearly the same size: (start, end) of each."""
    edges = [i * length // parts for i in range(parts + 1)]
    return [(start, max(end, start + 1)) for start, end in zip(edges, edges[1:])]


def mean(picture, box, left, right):
    """The mean pixel of some rows between two columns."""
    channels = picture.channels
    planes = [
        b"".join(row[left * channels + channel:right * channels:channels] for row in box)
        for channel in range(channels)
    ]
    if not picture.has_alpha:
        return bytes(divide(sum(plane), len(plane)) for plane in planes)
    return mean_with_alpha(planes[:-1], planes[-1])


def mean_with_alpha(colours, alpha):
    """Colours count as much as they can be seen: else invisible pixels leave a fringe."""
    weight = sum(alpha)
    if weight == 0:
        return bytes(len(colours) + 1)
    means = [divide(sum(map(mul, plane, alpha)), weight) for plane in colours]
    return bytes(means + [divide(weight, len(alpha))])


def divide(total, count):
    """Divides and rounds to the nearest whole number."""
    return (2 * total + count) // (2 * count)
