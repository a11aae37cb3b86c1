"""What a hand may change in a lock: `check` tells it, or `docs/choices.md` says why nobody can.

One project with every kind of line is built once; each change is made to a copy of its lock.
"""

import copy
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.sessions.conftest import Account, manifest
from tests.support.inside import InsideWorkspace
from tests.support.relay import Gateway
from tests.support.workspace import REPOSITORY, Workspace

SHOP = manifest(
    "logo: {file: logo.png}",
    "hero: {prompt: 'A matte lamp, {{ refs.logo }}', references: {logo: logo}, takes: 2, aspect: 16:9}",
    "card: {prompt: 'A card, {{ refs.hero }}', references: {hero: hero}, output: card.png}",
    "lamp: {prompt: 'A lamp of {{ metal }}', looks: {plain: {}, copper: {metal: copper}}}",
    "board: {prompt: Noir, sequence: {frames: [{id: wide, prompt: Wide}, {id: hands, prompt: Hands}]}}",
    "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
    "chair: {prompt: A chair}",
    head="vars: {metal: tin}\n",
)
LOCK, RECORD = "seedpipe.lock", "seedpipe.decisions.jsonl"
Lines = dict[str, Any]
Change = Callable[[Lines, random.Random], None]


@pytest.fixture
def shop(tmp_path: Path, account: Account, live: Gateway) -> Workspace:
    """`hero` is approved, `card` pinned and another file than its take, the others are as a build left them."""
    shop = InsideWorkspace(tmp_path / "work", **account.environ | {"SEEDPIPE_BASE_URL": live.base_url})
    shop.write("seedpipe.yaml", SHOP)
    Image.new("RGB", (320, 320), "tan").save(shop.folder / "logo.png")
    assert shop.run("build", "--yes", "--max-cost", "1").code == 0
    assert shop.run("approve", "hero").code == 0
    assert shop.run("pin", "card").code == 0
    return shop


def read(shop: Workspace) -> Lines:
    lines = (shop.folder / LOCK).read_text(encoding="utf-8").splitlines()
    return {name: json.loads(body) for name, _, body in (line.partition(" ") for line in lines[1:])}


def written(shop: Workspace, lines: Lines) -> str:
    head = (shop.folder / LOCK).read_text(encoding="utf-8").partition("\n")[0]
    rank = {"@project": 0}
    names = sorted(lines, key=lambda name: (rank.get(name, 1 if name.startswith("@") else 2), name))
    bodies = (json.dumps(lines[name], sort_keys=True, separators=(",", ":"), ensure_ascii=False) for name in names)
    return "\n".join([head, *(f"{name} {body}" for name, body in zip(names, bodies, strict=True))]) + "\n"


def told(shop: Workspace) -> list[str]:
    """`file:line: severity: message`; each has a next step."""
    ran = shop.run("check", "--json")
    found = ran.json["faults"]
    assert all(fault["hint"] and fault["line"] for fault in found), found
    assert ran.code == (2 if ran.json["errors"] else 0)
    return [f"{one['file']}:{one['line']}: {one['severity']}: {one['message']}" for one in found]


def digest(draw: random.Random) -> str:
    return f"sha256:{draw.randbytes(32).hex()}"


def put(name: str, *path: str, value: Callable[[random.Random], object] = digest) -> Change:
    """Another well-formed value at `path` of the line of `name`."""

    def change(lines: Lines, draw: random.Random) -> None:
        found = lines[name]
        for key in path[:-1]:
            found = found[key]
        found[path[-1]] = value(draw)

    return change


def word(*words: str) -> Callable[[random.Random], object]:
    return lambda draw: draw.choice(words)


def other_take(lines: Lines, draw: random.Random) -> None:
    lines["hero"]["take"] = next(take for take in lines["hero"]["takes"] if take != lines["hero"]["take"])


def foreign_take(name: str) -> Change:
    def change(lines: Lines, draw: random.Random) -> None:
        lines[name]["take"] = digest(draw)
        lines[name]["takes"] = [lines[name]["take"]]

    return change


def taken_out(name: str) -> Change:
    return lambda lines, draw: lines.pop(name)


def reference(lines: Lines, draw: random.Random) -> None:
    lines["hero"]["asked"]["references"] = [digest(draw)]


def both(name: str, *changes: Change) -> Change:
    def change(lines: Lines, draw: random.Random) -> None:
        for one in changes:
            one(lines, draw)

    return change


TOLD: dict[str, tuple[Change, str]] = {
    "want": (put("hero", "want"), "error: `hero`: `want` is"),
    "want of a frame": (put("board#wide", "want"), "error: `board#wide`: `want` is"),
    "want of a look": (put("lamp", "want"), "error: `lamp`: `want` is"),
    "own": (put("hero", "own"), "error: `hero`: `own` is"),
    "own of a frame": (put("board#hands", "own"), "error: `board#hands`: `own` is"),
    "asked.prompt": (put("chair", "asked", "prompt"), "error: `chair`: `asked` is not what `want` is the digest of"),
    "asked.model": (put("card", "asked", "model", value=word("seedream-4-5-251128")), "`model` is another there"),
    "asked.size": (put("hero", "asked", "size", value=word("512x512", "64x64")), "`size` is another there"),
    "asked.seed": (put("chair", "asked", "seed", value=lambda draw: draw.randrange(99)), "`seed` is another there"),
    "asked.seedpipe": (put("chair", "asked", "seedpipe", value=word("frame/1")), "`seedpipe` is another there"),
    "asked.references": (reference, "error: `hero`: `want` is"),
    "asked of another line": (
        lambda lines, draw: lines["chair"].update(asked=lines["board#wide"]["asked"]),
        "error: `chair`: `asked` is not what `want` is the digest of",
    ),
    "take": (put("hero", "take"), "is not among its takes"),
    "take, for another of its takes": (other_take, "error: `hero`: the chosen take is"),
    "take and takes": (foreign_take("chair"), "error: `chair`: the chosen take is"),
    "take of an approved picture": (foreign_take("hero"), "is approved, and no decision on record says so"),
    "level, raised": (put("chair", "level", value=word("approved", "pinned")), "and no decision on record says so"),
    "level, pinned by hand": (put("hero", "level", value=word("pinned")), "is pinned, and no decision on record"),
    "output without finish": (put("chair", "output"), "one needs the other"),
    "finish without output": (put("chair", "finish", value=lambda draw: {"fit": "9x9"}), "one needs the other"),
    "also, its own want": (
        lambda lines, draw: lines["chair"].update(also={lines["chair"]["want"]: lines["chair"]["takes"]}),
        "`also` are takes of other wants",
    ),
    "takes, one twice": (lambda lines, draw: lines["hero"]["takes"].append(lines["hero"]["take"]), "stands twice"),
    "no address": (lambda lines, draw: lines.update({"two..": lines["chair"]}), "this is no address"),
    "an approved line taken out": (taken_out("hero"), "the lock has no line of it, and"),
}

UNTOLD: list[tuple[str, Change]] = [  # with the row of the table in docs/choices.md
    ("`level`, back to `auto`", put("card", "level", value=word("auto"))),
    ("`level`, back to `auto`", put("hero", "level", value=word("auto"))),
    ("`made`", put("chair", "made", "at", value=word("2026-01-02T03:04:05.000Z"))),
    ("`made`", put("chair", "made", "request")),
    ("`made`", put("chair", "made", "model", value=word("seedream-4-5-251128", "seedream-3-0"))),
    ("`made`", put("chair", "made", "provider", value=word("byteplus"))),
    ("`made`", put("chair", "made", "size", value=word("64x64"))),
    ("`made`", put("chair", "made", "cost", value=word("0.01 USD"))),
    ("`made`", put("chair", "made", "request_id", value=word("0217"))),
    ("`made`", put("chair", "made", "adopted_by", value=word("Mika Ito"))),
    ("`takes`, those not chosen", lambda lines, draw: lines["chair"]["takes"].append(digest(draw))),
    ("`takes`, those not chosen", lambda lines, draw: lines["hero"].update(takes=[lines["hero"]["take"]])),
    ("`also`", put("chair", "also", value=lambda draw: {digest(draw): [digest(draw)]})),
    ("`look`", put("lamp", "look", value=word("copper"))),
    ("`output`, `finish`", put("card", "output")),
    ("`output`, `finish`", put("card", "finish", value=lambda draw: {"fit": "9x9"})),
    ("a free picture's line", put("small", "recipe")),
    ("a free picture's line", put("small", "take")),
    ("a source's line", put("logo", "source")),
    ("a source's line", put("logo", "pixels")),
    ("`@resolved/…`", lambda lines, draw: lines.update({"@resolved/size/seedream-4-0-250828/1K/16:9": "1024x1024"})),
    ("`@project`", lambda lines, draw: lines.update({"@project": {"id": "desks"}})),
    ("a line taken out", taken_out("chair")),
    ("a line of another project", lambda lines, draw: lines.update({"sofa": lines["chair"]})),
]


def test_every_change_by_hand_is_told_or_documented(shop: Workspace) -> None:
    assert told(shop) == []
    sound, draw = read(shop), random.Random(5)
    text = (shop.folder / LOCK).read_text(encoding="utf-8")
    assert written(shop, sound) == text, "this test writes a lock as seedpipe does"
    wrong = []
    for what, (change, words) in TOLD.items():
        lines = copy.deepcopy(sound)
        change(lines, draw)
        shop.write(LOCK, written(shop, lines))
        if not any(words in one and one.startswith(f"{LOCK}:") for one in told(shop)):
            wrong.append((what, told(shop)))
    for what, change in UNTOLD:
        lines = copy.deepcopy(sound)
        change(lines, draw)
        assert lines != sound, what
        shop.write(LOCK, written(shop, lines))
        if told(shop):
            wrong.append((what, told(shop)))
    assert not wrong
    shop.write(LOCK, text)
    assert told(shop) == []


def fields(lines: Lines) -> Iterator[str]:
    for name, line in lines.items():
        if isinstance(line, dict) and not name.startswith("@"):
            yield from line


def test_the_two_tables_speak_of_every_field_and_the_docs_of_what_can_not_be_told(shop: Workspace) -> None:
    spoken = " ".join([*TOLD, *(row for row, _ in UNTOLD), "recipe source pixels"])
    assert {field for field in fields(read(shop)) if field not in spoken} == set()
    page = (REPOSITORY / "docs/choices.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| ([^|]+) \|", page.partition("## A lock changed by hand")[2], re.MULTILINE))
    assert {row for row, _ in UNTOLD} <= rows


FORM: list[tuple[str, Callable[[str], str], str | None]] = [
    ("Windows line ends", lambda text: text.replace("\n", "\r\n"), None),
    ("a blank line", lambda text: text.replace("\nhero ", "\n\nhero "), None),
    ("no line end", lambda text: text.rstrip("\n"), None),
    ("a byte order mark", lambda text: f"\ufeff{text}", ":1: error: `{0}` begins with a byte order mark"),
    ("another header", lambda text: f"# {text}", ":1: error: `{0}` is not a seedpipe lock"),
    ("a later format", lambda text: text.replace("Format 1.", "Format 9."), "error: `{0}` is of format 9"),
    ("cut off", lambda text: text[:-40], "error: `small`: what follows the name is no JSON"),
    ("blanks before a name", lambda text: text.replace("\nhero ", "\n hero "), "what follows the name is no JSON"),
    ("blanks behind a line", lambda text: text.replace("}\nhero ", "} \nhero "), "isn't written as seedpipe writes it"),
    ("a line twice", lambda text: text + text.splitlines()[-1] + "\n", "it stands twice, also in line"),
    ("a line out of its place", lambda text: text.replace("\nhero ", "\nhero-2 {}\nhero "), "`hero-2`: "),
    ("a line that git left", lambda text: text + ">>>>>>> theirs\n", "conflict markers"),
]


def test_the_form_of_the_file_changed_by_hand(shop: Workspace) -> None:
    text = (shop.folder / LOCK).read_text(encoding="utf-8")
    for what, change, words in FORM:
        changed = change(text)
        assert changed != text, what
        (shop.folder / LOCK).write_bytes(changed.encode())
        found = shop.run("check", "--json").json["faults"]
        lines = [f"{one['file']}:{one['line']}: {one['severity']}: {one['message']}" for one in found]
        if words is None:
            assert lines == [], what
            assert set(shop.plan().values()) == {"cached", "pinned"}, what
        else:
            assert any(words.format(LOCK) in one for one in lines), (what, lines)
            assert all(one["hint"] for one in found), what
    shop.write(LOCK, text)
    (shop.folder / RECORD).write_bytes(b"\xef\xbb\xbf" + (shop.folder / RECORD).read_bytes())
    assert f"{RECORD}:1: error: `{RECORD}` begins with a byte order mark" in " ".join(told(shop))
    assert shop.run("takes", "hero").code == 2


def test_a_record_that_was_not_committed_is_one_warning(shop: Workspace) -> None:
    (shop.folder / RECORD).unlink()
    (one,) = told(shop)
    assert one.endswith("warning: `card`: it is pinned, as 1 more are, and there is no record of decisions")
    shop.run("approve", "hero", "-m", "as before")
    (one,) = told(shop)
    assert "`card`: " in one and "is pinned, and no decision on record says so" in one
    assert "`seedpipe pin card -m" in shop.run("check").out
    assert shop.run("pin", "card", "-m", "as before").code == 0
    assert told(shop) == []
