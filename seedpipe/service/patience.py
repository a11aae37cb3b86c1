"""`Patience`: how long an answer that comes in parts is waited for."""

import asyncio
import math
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Patience:
    """Seconds to wait for a service: `total` for all of it, `silence` after an event. Only waiting is counted."""

    def __init__(self, total: float, silence: float) -> None:
        self._asked = self._total = total
        self._silence = silence
        self._quiet = math.inf  # until the first event

    @property
    def limit(self) -> str:
        """The words for the limit that was met first."""
        return (
            f"no complete answer within {self._asked:g} s"
            if self._total <= self._quiet
            else f"nothing came for {self._silence:g} s"
        )

    def renew(self) -> None:
        """An event came."""
        self._quiet = self._silence

    async def wait(self, awaited: Awaitable[T]) -> T:
        """Raises `TimeoutError` when a limit is met."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(min(self._total, self._quiet)):
                return await awaited
        finally:
            spent = clock() - began
            self._total -= spent
            self._quiet -= spent
