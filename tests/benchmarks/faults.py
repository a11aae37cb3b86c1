"""`make faults`: every fault of the emulator in every mode, by seedpipe and by a plain loop around the openai SDK.

Both in one run, against one emulator. Writes results/faults.json and, made from it alone, docs/faults.md.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tests.faults.cells import KNOBS, MODES, SCALE, cells
from tests.faults.compare import arena

RESULTS: Final = Path(__file__).parent / "results" / "faults.json"
PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "faults.md"
_WORDS: Final = ("by", "mode", "knob")
NUMBERS: Final = ("requests", "billed", "kept", "lost", "arrived", "double")

_HEAD: Final = """\
# What faults cost

Every fault that the [emulator](emulator.md) can make, in every mode, by `seedpipe build` and by what most people write: a plain
loop around the official openai SDK (`tests/faults/loop.py`), which asks for each picture that has no file yet, downloads what it
is told, notes a failure and goes on. Both run against one emulator in one run, each twice: with the fault, and once more when it
is over. A fault hits once: the first request, or the first download.

The SDK is at its defaults: two retries, and a time-out of 600 s. Seedpipe is at its own: 300 s, and no request sent again that may
have been billed. So that nobody waits for minutes, all time-outs are {scale} times shorter ({ours:g} s and {loop:g} s for one picture).

| number | of |
|---|---|
| requests | requests for pictures that reached the service |
| billed | pictures that the service made and bills |
| kept | billed pictures that are on disk in the end, whole |
| lost | billed pictures that are not |
| arrived | those of them that had reached the client, by address or as data, and could have been had |
| double | billed pictures beyond what was asked for |
| held | pictures that seedpipe says are uncertain, or paid and not fetched yet (exit code 75); of layers up to 17, as nobody knows how many |

What is lost without having arrived can't be had by anybody: the answer never came, or its address is over. There the loop asks
again, and pays again; seedpipe holds the picture until a person says `--retry-unknown` or `seedpipe resolve`.

This page is made by `make faults` (openai {openai}); all numbers are in `tests/benchmarks/results/faults.json`.
"""


def measure(folder: Path, said: Callable[[str], object]) -> dict[str, Any]:
    """The document of results."""
    with arena(folder) as place:
        said("seedpipe …\n")
        ours = place.outcomes(cells("ours"), at_once=2)
        said("the loop …\n")
        loop = place.outcomes(cells("loop"), at_once=8)
    return {
        "benchmark": "faults: seedpipe beside a plain loop with the openai SDK at its defaults",
        "openai": version("openai"),
        "timeouts_shortened_by": SCALE,
        "columns": [*_WORDS, *NUMBERS, "held"],
        "rows": [[getattr(row, name) for name in (*_WORDS, *NUMBERS, "held")] for row in (*ours, *loop)],
    }


def rows_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(document["columns"], row, strict=True)) for row in document["rows"]]


def written(document: Mapping[str, Any]) -> str:
    """As JSON, a line for each row."""
    lines = ",\n".join(json.dumps(row) for row in document["rows"])
    return json.dumps({**document, "rows": []}, indent=1).replace('"rows": []', f'"rows": [\n{lines}\n ]') + "\n"


def page(document: Mapping[str, Any]) -> str:
    """docs/faults.md."""
    rows = rows_of(document)
    scale = document["timeouts_shortened_by"]
    head = _HEAD.format(scale=scale, ours=300 / scale, loop=600 / scale, openai=document["openai"])
    parts = [
        head,
        "## All\n",
        _table(["by"], _sums(rows, lambda row: (_NAMES[row["by"]],)), with_held=True),
        "## By fault\n",
        "Sums over all modes: seedpipe / the loop.\n",
        _beside(rows, ["fault"], lambda row: (row["knob"],)),
        "## By mode\n",
        _beside(rows, ["mode"], lambda row: (row["mode"],)),
        "## Every fault in every mode\n",
        "Seedpipe / the loop.\n",
        _beside(rows, ["mode", "fault"], lambda row: (row["mode"], row["knob"])),
    ]
    return "\n".join(parts)


_NAMES: Final = {"ours": "seedpipe", "loop": "the loop"}


def _sums(
    rows: Iterable[Mapping[str, Any]], by: Callable[[Mapping[str, Any]], tuple[str, ...]]
) -> dict[tuple[str, ...], dict[str, int]]:
    sums: dict[tuple[str, ...], dict[str, int]] = {}
    for row in rows:
        found = sums.setdefault(by(row), dict.fromkeys((*NUMBERS, "held"), 0))
        for name in found:
            found[name] += row[name]
    return sums


def _table(heads: Sequence[str], sums: Mapping[tuple[str, ...], Mapping[str, int]], *, with_held: bool) -> str:
    names = (*NUMBERS, "held") if with_held else NUMBERS
    lines = [_line([*heads, *names]), _line(["---"] * len(heads) + ["--:"] * len(names))]
    lines += [_line([*key, *(str(numbers[name]) for name in names)]) for key, numbers in sums.items()]
    return "\n".join(lines) + "\n"


def _beside(
    rows: Sequence[Mapping[str, Any]], heads: Sequence[str], by: Callable[[Mapping[str, Any]], tuple[str, ...]]
) -> str:
    """Each number as `ours / the loop's`."""
    ours = _sums((row for row in rows if row["by"] == "ours"), by)
    loop = _sums((row for row in rows if row["by"] == "loop"), by)
    lines = [_line([*heads, *NUMBERS, "held"]), _line(["---"] * len(heads) + ["--:"] * (len(NUMBERS) + 1))]
    for key, mine in ours.items():
        numbers = [f"{mine[name]} / {loop[key][name]}" for name in NUMBERS]
        lines.append(_line([*key, *numbers, str(mine["held"])]))
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Writes both files."""
    with tempfile.TemporaryDirectory() as folder:
        document = measure(Path(folder), sys.stderr.write)
    assert len(document["rows"]) == 2 * len(KNOBS) * len(MODES)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(written(document), encoding="utf-8")
    PAGE.write_text(page(document), encoding="utf-8")
    sys.stdout.write(page(document).partition("## By fault")[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
