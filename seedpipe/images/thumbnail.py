"""A picture made small for a page."""

import io

from seedpipe.images.decode import decode, read_picture_bytes, srgb
from seedpipe.images.encode import flatten

SIDE = 480  # pixels of the longer side
_GREY = "#e8e8e8"  # behind what is transparent


def thumbnail(data: bytes, *, side: int = SIDE) -> bytes:
    """A JPEG of at most `side` pixels each way. Raises `NotAPictureError`."""
    name = "the picture"
    image = flatten(srgb(decode(read_picture_bytes(data, name), name), name), _GREY)
    image.thumbnail((side, side))
    written = io.BytesIO()
    image.convert("RGB").save(written, "JPEG", quality=82, optimize=True)
    return written.getvalue()
