"""What was paid beside what is kept: the emulator's ledger, the bytes that reached the client, and the client's files."""

import base64
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from tests.faults.cells import Cell
from tests.support.relay import QuietRelay


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Of one cell, after a run and a second one. Numbers of pictures, but for `requests`.

    `lost`: paid and not kept. `arrived`: those of them that had reached the client, by address or as data, and could
    still be had. `double`: paid beyond what was asked for. `held`: said to be uncertain, and not asked for again.
    """

    by: str
    knob: str
    mode: str
    requests: int
    billed: int
    kept: int
    lost: int
    arrived: int
    double: int
    held: int
    exits: tuple[int, ...] = ()


def outcome_of(
    cell: Cell,
    requests: Sequence[Mapping[str, Any]],
    relay: QuietRelay,
    objects: Path,
    *,
    kept: set[str],
    held: int,
    exits: tuple[int, ...] = (),
) -> Outcome:
    """`kept` are the SHA-256 of the client's pictures; `objects` is the emulator's folder."""
    images = [image for one in requests for image in one["images"] if image["billed"]]
    lost = [image for image in images if image["sha256"] not in kept]
    answers = [answer for key, answer in relay.answers if key == cell.key]
    # An address that is over, or leads to something that is no picture, could not be had by anybody.
    hopeless = cell.knob in ("expired-url", "gone", "garbage")
    return Outcome(
        by=cell.by,
        knob=cell.knob,
        mode=cell.mode.name,
        requests=len(requests),
        billed=len(images),
        kept=len(images) - len(lost),
        lost=len(lost),
        arrived=0 if hopeless else sum(_reached(image, answers, objects) for image in lost),
        double=max(0, len(images) - cell.mode.pictures),
        held=held,
        exits=exits,
    )


def _reached(image: Mapping[str, Any], answers: Sequence[bytes], objects: Path) -> bool:
    """Whether the picture's whole address, or all of its data, was in what the client was sent."""
    address = re.compile(re.escape(f"/{image['path']}?".encode()) + rb'[^"]*"')
    if any(address.search(answer) for answer in answers):
        return True
    file = objects / hashlib.sha256(str(image["path"]).encode()).hexdigest()
    data = base64.b64encode(file.read_bytes())
    return any(data in answer for answer in answers)


def is_picture(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError):
        return False
    return True
