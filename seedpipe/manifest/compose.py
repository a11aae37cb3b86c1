"""The prompt of a sequence: from what its frames share and each frame's own words to the text that is sent.

Frozen by the manifest's format, as every text of ours that reaches a prompt. A manifest may bring its own template
(`sequence.compose`, or `defaults.compose` for all). "Image N" always is a reference, so what is to be drawn is called "frame N".
"""

import functools
from collections.abc import Sequence as Listed
from typing import Any

from seedpipe.manifest.node import Frame, Sequence
from seedpipe.manifest.normalise import normalise_text
from seedpipe.manifest.template import TemplateLibrary


def compose(sequence: Sequence, frames: Listed[Frame], *, beside: Listed[int] = ()) -> str:
    """The prompt for `frames`, normalised. `beside` are the numbers of the references that show neighbouring frames.

    Raises `TemplateError` for a manifest's own template that can't be rendered.
    """
    shared = sequence.base.prompt
    if sequence.counted:
        return shared
    if sequence.compose is not None:
        values: dict[str, Any] = {
            "frames": [
                {"number": number, "id": frame.id, "prompt": frame.prompt, "caption": frame.caption or ""}
                for number, frame in enumerate(frames, 1)
            ],
            "count": len(frames),
            "shared": shared,
            "beside": _listed(beside),
        }
        return normalise_text(_library().render(sequence.compose, values))
    return _default(shared, frames, _listed(beside))


def _default(shared: str, frames: Listed[Frame], beside: str) -> str:
    if len(frames) == 1:
        alike = f"This is one frame of a series: keep the characters, places, light and style of {beside}."
        return "\n\n".join([*([shared] if shared else []), frames[0].prompt, *([alike] if beside else [])])
    head = (
        f"Generate {len(frames)} separate images, one for each frame below and in this order. "
        "Each fills its whole picture: no collage, no grid, no split screen, no frame numbers."
    )
    listed = "\n".join(f"Frame {number}: {frame.prompt}" for number, frame in enumerate(frames, 1))
    onward = (
        f"The frames go on from {beside}, the last of the frames before them: "
        "keep the characters, places, light and style."
    )
    return "\n\n".join([head, *([shared] if shared else []), *([onward] if beside else []), listed])


def _listed(numbers: Listed[int]) -> str:
    """`image 3 and image 4`."""
    return " and ".join(f"image {number}" for number in numbers)


class _NoFiles:
    """A composing template is one text; it includes nothing."""

    def read(self, path: str) -> bytes:
        raise FileNotFoundError(path)

    def exists(self, path: str) -> bool:  # noqa: ARG002
        return False

    def glob(self, pattern: str) -> Listed[str]:  # noqa: ARG002
        return ()


@functools.cache
def _library() -> TemplateLibrary:
    return TemplateLibrary(_NoFiles(), None)
