"""One emulator of very small pictures, a relay before it for what is live, and the catalogues of two days."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mixed.shop import NEXT, TINY
from tests.support.relay import quiet_relay
from tests.support.workspace import Service, service


@dataclass(frozen=True)
class Services:
    """`relay` is the address that doesn't say that it leads to an emulator."""

    running: Service
    relay: str
    catalogue: Sequence[Path]


@contextmanager
def services(folder: Path) -> Iterator[Services]:
    """For as long as it is needed."""
    catalogue = [folder / "today.yaml", folder / "tomorrow.yaml"]
    for path, text in zip(catalogue, (TINY, NEXT), strict=True):
        path.write_text(text)
    files = [argument for path in catalogue for argument in ("--catalogue", str(path))]
    with service(folder / "service", "--ipm", "1000000", *files) as running, quiet_relay(running.base_url) as relay:
        yield Services(running, relay.base_url, catalogue)
