"""What people decide about pictures while a build makes them: what is made from those goes on with their word."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from seedpipe.build.pictures import Pictures
from seedpipe.state.lock import ImageEntry, Level
from seedpipe.state.lockfile import LockWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Heeder:
    """Asked before anything is made from a picture of this run. A word that comes later finds it under way, and paid."""

    pictures: Pictures
    lock: LockWriter

    async def heed(self, addresses: Iterable[str]) -> None:
        """Of those that this run has brought: the picture that somebody has chosen since is the one behind the address."""
        for address in addresses:
            ours, theirs = await asyncio.to_thread(self.lock.overruled, address)
            if isinstance(ours, ImageEntry) and isinstance(theirs, ImageEntry) and holds(theirs, ours):
                await self._go_on_with(address, ours, theirs)

    async def _go_on_with(self, address: str, ours: ImageEntry, theirs: ImageEntry) -> None:
        if self.pictures.of(address).digest == theirs.take or not self.pictures.store.has(theirs.take):
            return
        self.pictures.came(address, str(theirs.take), theirs.take)
        known = (*ours.all_takes, *theirs.all_takes, *([ours.output] if ours.output else []))
        await self.pictures.put(address, theirs.take, known, fit=theirs.finish.get("fit"))


def holds(theirs: ImageEntry, ours: ImageEntry) -> bool:
    """Whether the next build leaves a choice as it is, rather than the one that was made for what is asked (`ours`)."""
    if theirs.level is Level.PINNED or theirs.want == ours.want:
        return True
    return theirs.level is Level.APPROVED and theirs.own == ours.own
