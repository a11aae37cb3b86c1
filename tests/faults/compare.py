"""Runs cells against one emulator, several at once, and gives their outcomes."""

import json
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedpipe.emulator.identity import key_hash
from seedpipe.money import Money
from tests.faults.bill import Outcome, outcome_of
from tests.faults.cells import Cell
from tests.faults.loop import Loop
from tests.faults.ours import Ours
from tests.support.relay import QuietRelay, quiet_relay
from tests.support.workspace import Service, service


@dataclass(frozen=True)
class Arena:
    """An emulator, and a gateway before it that sees what reaches the clients."""

    folder: Path
    service: Service
    relay: QuietRelay

    def outcomes(self, cells: Sequence[Cell], *, at_once: int = 2) -> list[Outcome]:
        """Each cell's faults are asked for beforehand, so that cells can run beside each other."""
        self._ask_for(cells)
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self._outcome, cells))

    def _ask_for(self, cells: Sequence[Cell]) -> None:
        origin = self.service.base_url.rsplit("/", 1)[0]
        body = json.dumps({"faults": [fault for cell in cells for fault in cell.faults]}).encode()
        request = urllib.request.Request(f"{origin}/_emulator/scenario", data=body, method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    def _outcome(self, cell: Cell) -> Outcome:
        folder = self.folder / cell.key
        objects = self.folder / "service" / "state" / "objects"
        if cell.by == "loop":
            loop = Loop(cell, folder, self.relay.base_url)
            loop.run()
            return outcome_of(cell, self._ledger(cell), self.relay, objects, kept=loop.kept, held=0)
        ours = Ours(cell, folder, self.relay.base_url)
        exits = tuple(ran.code for ran in ours.run())
        found = outcome_of(cell, self._ledger(cell), self.relay, objects, kept=ours.kept, held=ours.held, exits=exits)
        paid = Money.parse(cell.mode.price) * found.billed
        assert ours.accounted >= paid, f"{cell.mark}: {paid} was billed, the journal knows of {ours.accounted}"
        return found

    def _ledger(self, cell: Cell) -> list[dict[str, Any]]:
        """The account's requests, once the emulator is done with all of them."""
        until = time.monotonic() + 60
        while True:
            found = [one for one in self.service.ledger()["requests"] if one["key_hash"] == key_hash(cell.key)]
            if not any(one["outcome"] == "running" for one in found):
                return found
            assert time.monotonic() < until, "the emulator is not done"
            time.sleep(0.05)


@contextmanager
def arena(folder: Path) -> Iterator[Arena]:
    with service(folder / "service", "--ipm", "100000") as emulator, quiet_relay(emulator.base_url) as relay:
        yield Arena(folder, emulator, relay)
