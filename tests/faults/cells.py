"""What is tried: every knob of the emulator in every mode, once by seedpipe and once by a plain loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from seedpipe.emulator.faults import FaultKind

SCALE: Final = 50  # every time-out is so much shorter than by default; what is slow is slowed down as much less
FRAMES: Final = ("dawn", "noon", "dusk")

# Each hits the first request, or the first download, and no further one: the mild form of each.
KNOBS: Final[Mapping[str, Mapping[str, Any]]] = {
    "none": {},
    **{str(kind): {"do": str(kind)} for kind in FaultKind},
    str(FaultKind.LATENCY): {"do": "latency", "seconds": 85 / SCALE},
    str(FaultKind.RATE_LIMIT): {"do": "rate-limit", "retry_after": 0.2},
    str(FaultKind.REFUSE): {"do": "refuse", "code": "OperationDenied.ServiceOverdue"},
    "internal-error, billed": {"do": "internal-error", "billed": True},
    "bad-gateway, not billed": {"do": "bad-gateway", "billed": False},
    "gateway-timeout, not billed": {"do": "gateway-timeout", "billed": False},
    "moderate-output, second": {"do": "moderate-output", "index": 1},
    str(FaultKind.ITEM_ERROR): {"do": "item-error", "index": 1},
    str(FaultKind.FEWER): {"do": "fewer", "count": 2},
    str(FaultKind.SHORT_DOWNLOAD): {"do": "short-download", "downloads": 1},
    str(FaultKind.DOWNLOAD_ERROR): {"do": "download-error", "downloads": 1},
    str(FaultKind.REDIRECT): {"do": "redirect", "downloads": 1, "to": "http://127.0.0.1:9/elsewhere"},
}


@dataclass(frozen=True, kw_only=True)
class Mode:
    """One way to ask. `always` is a fault that is part of it."""

    name: str
    pictures: int = 1
    references: int = 0
    stream: bool = False
    inline: bool = False
    layers: bool = False
    price: str = "0.03 USD"  # of a picture
    always: Mapping[str, Any] | None = None


MODES: Final = (
    Mode(name="text to image"),
    Mode(name="edit", references=1),
    Mode(name="fusion", references=2),
    Mode(name="sequence, streamed", pictures=3, stream=True),
    # seedpipe always asks for a stream; a service that doesn't know them answers as a whole
    Mode(name="sequence, whole", pictures=3, always={"do": "json-for-stream"}),
    Mode(name="base64", inline=True),
    Mode(name="sequence, base64", pictures=3, stream=True, inline=True),
    Mode(name="layers", pictures=3, references=1, layers=True, price="0.0225 USD"),
)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One knob in one mode, by `ours` or the `loop`: an account of its own, whose prompts have a mark of their own."""

    knob: str
    mode: Mode
    by: str

    @property
    def mark(self) -> str:
        return f"<{self.by}: {self.knob} in {self.mode.name}>"

    @property
    def key(self) -> str:
        words = "-".join("".join(letter if letter.isalnum() else " " for letter in self.mark).split())
        return f"key-{words}"

    @property
    def prompt(self) -> str:
        """What a person writes."""
        return f"{self.mark} A lamp" + (", taken apart into 3 layers" if self.mode.layers else "")

    @property
    def faults(self) -> Sequence[Mapping[str, Any]]:
        match = self.mark.replace("(", r"\(").replace(")", r"\)")
        knob = KNOBS[self.knob]
        asked = [{**knob, "match": match, "times": 1}] if knob else []
        return [*asked, *([{**self.mode.always, "match": match}] if self.mode.always else [])]


def cells(by: str) -> list[Cell]:
    return [Cell(knob=knob, mode=mode, by=by) for mode in MODES for knob in KNOBS]
