"""Which node starts next: longest remaining path first. Pure; every change of a node's stage goes through `_move`."""

import heapq
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from seedpipe.plan.forecast import remaining_paths


class Stage(StrEnum):
    """Where a node stands in one build."""

    WAITING = "waiting"  # something that it is made from isn't there yet
    READY = "ready"  # may start
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # it was tried, or can't be tried
    SKIPPED = "skipped"  # something that it is made from did not come


_LEGAL: Mapping[Stage, tuple[Stage, ...]] = {
    Stage.WAITING: (Stage.READY, Stage.SKIPPED),
    Stage.READY: (Stage.RUNNING, Stage.SKIPPED),
    Stage.RUNNING: (Stage.DONE, Stage.FAILED),
    Stage.DONE: (),
    Stage.FAILED: (),
    Stage.SKIPPED: (),
}


class Schedule:
    """The nodes of one build. `needs` maps each address to what it is made from; `seconds` to its expected duration.

    Addresses in `needs` that are no keys are taken to be there already. Of `spared` (address → some of its needs) a node
    waits for the end, and comes without them; of `counted` only without those that need not exist.
    """

    def __init__(
        self,
        needs: Mapping[str, Sequence[str]],
        seconds: Mapping[str, float],
        *,
        spared: Mapping[str, Collection[str]] = MappingProxyType({}),
        counted: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> None:
        self._spared = spared
        self._counted = counted
        self._needs = {address: {need for need in above if need in needs} for address, above in needs.items()}
        self._below: dict[str, list[str]] = {address: [] for address in needs}
        for address, above in self._needs.items():
            for need in above:
                self._below[need].append(address)
        self._remaining = remaining_paths(self._below, seconds)
        self._order = {address: number for number, address in enumerate(needs)}
        self.stages = dict.fromkeys(needs, Stage.WAITING)
        self._ready: list[tuple[float, int, str]] = []
        for address, above in self._needs.items():
            if not above:
                self._move(address, Stage.READY)

    def _move(self, address: str, stage: Stage) -> None:
        if stage not in _LEGAL[self.stages[address]]:
            raise RuntimeError(f"`{address}` can't go from {self.stages[address]} to {stage}")
        self.stages[address] = stage
        if stage is Stage.READY:
            heapq.heappush(self._ready, (-self._remaining[address], self._order[address], address))

    def start(self) -> str | None:
        """The most urgent node that may start, now running; None if there is none at present."""
        while self._ready:
            _, _, address = heapq.heappop(self._ready)
            if self.stages[address] is Stage.READY:
                self._move(address, Stage.RUNNING)
                return address
        return None

    def done(self, address: str) -> None:
        """Its picture is there: what waited for it alone becomes ready."""
        self._move(address, Stage.DONE)
        for below in self._below[address]:
            self._ended(address, below)

    def _ended(self, address: str, below: str) -> None:
        """`below` does not wait for it any longer."""
        self._needs[below].discard(address)
        if not self._needs[below] and self.stages[below] is Stage.WAITING:
            self._move(below, Stage.READY)

    def failed(self, address: str, *, absent: bool = False) -> Sequence[str]:
        """Its picture won't come; `absent`: nor need it. Returns everything that needs it, now skipped, nearest first."""
        self._move(address, Stage.FAILED)
        skipped: list[str] = []
        gone = deque([address])
        while gone:
            above = gone.popleft()
            without = self._counted if absent and above == address else {}
            for below in self._below[above]:
                if above in self._spared.get(below, ()) or above in without.get(below, ()):
                    self._ended(above, below)
                elif self.stages[below] in (Stage.WAITING, Stage.READY):
                    self._move(below, Stage.SKIPPED)
                    skipped.append(below)
                    gone.append(below)
        return skipped

    @property
    def running(self) -> int:
        return sum(stage is Stage.RUNNING for stage in self.stages.values())

    @property
    def finished(self) -> bool:
        return not any(stage in (Stage.WAITING, Stage.READY, Stage.RUNNING) for stage in self.stages.values())
