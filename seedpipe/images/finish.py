"""From a take to the file that an output's name promises."""

from pathlib import Path

from seedpipe.images.decode import decode, name_in_messages, read_picture_bytes, srgb
from seedpipe.images.encode import encode
from seedpipe.images.resample import cover


def finish(taken: Path, wanted_format: str, *, size: tuple[int, int] | None = None) -> bytes:
    """The picture as `wanted_format` (jpeg | png | webp); with `size` scaled to cover it and cut to it at the centre.

    Transparency is laid on white for JPEG. Raises `NotAPictureError` and `EncodeError`.
    """
    name = name_in_messages(taken, None)
    image = srgb(decode(read_picture_bytes(taken, name), name), name)
    return encode(image if size is None else cover(image, size), wanted_format)
