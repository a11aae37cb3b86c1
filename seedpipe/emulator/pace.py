"""How long a picture takes, and how many a minute are allowed. Pure: the clock is handed in."""

import hashlib
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

_USUAL_PIXELS: Final = 2048 * 2048
_JITTER: Final = 0.2  # a picture takes up to a fifth more or less
_FAST: Final = 0.25  # pro 82 s standard against 20 s fast (GH:ComfyUI#15750)


def seconds_for(*, base: float, pixels: int, fast: bool, seed: str, scale: float) -> float:
    """The time of one picture; the jitter is the same for the same `seed`. `scale` 1 is true to life, 0 instant."""
    share = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") / 2**32
    jitter = 1 + _JITTER * (2 * share - 1)
    return scale * base * math.sqrt(pixels / _USUAL_PIXELS) * (_FAST if fast else 1) * jitter


@dataclass(slots=True)
class MinuteLimit:
    """A sliding window of `minute` seconds over the pictures of each account and model (BP265: IPM)."""

    per_minute: int
    minute: float = 60.0
    _windows: dict[tuple[str, str], deque[tuple[float, int]]] = field(default_factory=dict)

    def admit(self, account: str, model: str, images: int, now: float) -> bool:
        """Count `images` if they still fit; a batch counts what it may make, until `settle` says what it made.

        One that may make more than a whole minute allows waits for an empty minute, not for ever.
        """
        window = self._windows.setdefault((account, model), deque())
        while window and window[0][0] <= now - self.minute:
            window.popleft()
        if sum(count for _, count in window) + min(images, self.per_minute) > self.per_minute:
            return False
        window.append((now, images))
        return True

    def settle(self, account: str, model: str, *, at: float, reserved: int, made: int) -> None:
        """Give back what an admission at `at` reserved and did not make."""
        window = self._windows.get((account, model), deque())
        for position, entry in enumerate(window):
            if entry == (at, reserved):
                window[position] = (at, made)
                return
