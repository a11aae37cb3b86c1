"""From a take to the file that an output's name promises."""

from pathlib import Path

from seedpipe.images.decode import decode, name_in_messages, read_picture_bytes, srgb
from seedpipe.images.encode import encode
from seedpipe.images.probe import PictureInfo


def finish(taken: Path, info: PictureInfo, wanted_format: str) -> bytes | None:
    """None if the take can be materialised as it is, else its picture as `wanted_format` (jpeg | png | webp).

    Transparency is laid on white for JPEG. Raises `NotAPictureError` and `EncodeError`.
    """
    if info.format == wanted_format:
        return None
    name = name_in_messages(taken, None)
    decoded = decode(read_picture_bytes(taken, name), name)
    return encode(srgb(decoded, name), wanted_format)
