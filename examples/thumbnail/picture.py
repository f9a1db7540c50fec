"""A picture in memory."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """Rows of pixels, one byte a channel.

    Channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
    """

    width: int
    height: int
    channels: int
    rows: tuple  # of bytes, each width * channels long

    @property
    def has_alpha(self):
        return self.channels in (2, 4)
