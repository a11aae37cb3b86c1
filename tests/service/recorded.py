"""Recorded answers: `tests/golden/service/*.http` as (status, headers, body)."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "golden" / "service"


@dataclass(frozen=True)
class Recorded:
    status: int
    headers: dict[str, str]
    body: bytes


def recorded(name: str) -> Recorded:
    head, _, body = (FOLDER / f"{name}.http").read_bytes().partition(b"\n\n")
    first, *lines = head.decode().splitlines()
    headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return Recorded(status=int(first.split()[1]), headers=headers, body=body.strip())
