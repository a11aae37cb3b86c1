"""A terminal on which lines that stay scroll by above a frame that is redrawn in place."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Final, TextIO

from seedpipe.display import display_width

# The terminal shows what stands between these at once; one that doesn't know them ignores them.
_BEGIN: Final = "\x1b[?2026h"
_END: Final = "\x1b[?2026l"


class Screen:
    """Draws on `stream`; `size` gives columns and rows. The cursor is never hidden, for a build may be killed."""

    def __init__(self, stream: TextIO, size: Callable[[], tuple[int, int]]) -> None:
        self._stream, self._size = stream, size
        self._last = (80, 24)
        self._frame: Sequence[str] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows, as they are now; of a terminal that is gone, as they were."""
        with contextlib.suppress(OSError):
            self._last = self._size()
        return self._last

    def draw(self, lasting: Sequence[str], frame: Sequence[str]) -> None:
        """Put `lasting` above the frame and redraw it. No line of `frame` may be wider than the terminal."""
        if not lasting and frame == self._frame:
            return
        text = self._to_top()
        text += "".join(f"{line}\x1b[K\n" for line in lasting)
        text += "\n".join(f"{line}\x1b[K" for line in frame) + "\x1b[J\r"
        self._frame = tuple(frame)
        self._stream.write(f"{_BEGIN}{text}{_END}")
        self._stream.flush()

    def _to_top(self) -> str:
        """Back to the first line of the last frame, which a terminal made narrower has broken into more rows."""
        columns = max(self.size[0], 1)
        widths = [display_width(line) for line in self._frame]
        rows = sum(max(-(-width // columns), 1) for width in widths)
        above = rows - max(-(-widths[-1] // columns), 1) if widths else 0
        return f"\r\x1b[{above}A" if above else "\r"
