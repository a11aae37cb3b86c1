"""A drawn project and the edits that people make in it: which words stand where, and what is made from what.

Entries have a number that no edit changes. It stands in their prompts, so that a request tells whom it is for whatever
the entry is called by then.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st
from PIL import Image

DRAFT = "draft"
_TOKEN = re.compile(r"\bn(\d+)(?:f(\d+))?\b")

_WORDS = re.compile(r"\bn(\d+) w(\d+) x(\d+)")

Which = tuple[int, int | None]  # an entry's number, and the number of one of its frames; of a counted one all that came


@dataclass(frozen=True)
class Own:
    """What is asked in a picture's own name. `looks`: what tells its candidates apart, if it has some."""

    shared: tuple[object, ...]
    looks: frozenset[int] = frozenset({0})


@dataclass
class Entry:
    """One entry of the manifest. `frames` are numbers and words of a sequence's, in order; of a counted one only numbers."""

    number: int
    kind: str  # source | image | sequence | counted | derived
    made_from: tuple[Which, ...] = ()
    words: int = 0
    takes: int = 1
    looks: dict[str, int] = field(default_factory=dict)  # of an image: name → what it looks like
    frames: list[tuple[int, int]] = field(default_factory=list)
    cascade: bool = True
    gated: bool = False
    version: int = 0  # of a source's pixels
    name: str = ""
    names: int = 0  # how often it was renamed

    @property
    def is_bought(self) -> bool:
        return self.kind in ("image", "sequence", "counted")

    def address(self, frame: int | None) -> str:
        if frame is None:
            return f"{self.name}#*" if self.kind == "counted" else self.name
        return f"{self.name}#{frame}" if self.kind == "counted" else f"{self.name}#f{frame}"

    @property
    def addresses(self) -> list[str]:
        return [self.address(frame) for frame, _ in self.frames] or [self.name]


@dataclass
class Drawn:
    """The project as its people have it now. `moved` is the manifest's own: earlier names of an entry."""

    entries: list[Entry]
    moved: dict[str, int] = field(default_factory=dict)

    def by_address(self) -> Mapping[str, tuple[Entry, int | None]]:
        return {
            entry.address(frame): (entry, frame)
            for entry in self.entries
            for frame in ([frame for frame, _ in entry.frames] or [None])
        }

    @property
    def bought(self) -> list[str]:
        """All that can be chosen: images and frames."""
        return [address for entry in self.entries if entry.is_bought for address in entry.addresses]

    def address_of(self, which: Which) -> str:
        number, frame = which
        return self.entries[number].address(frame)

    def own(self, address: str) -> Own:
        """Words and sources, less what other pictures are made of it."""
        entry, frame = self.by_address()[address]
        sources = tuple(
            self.entries[number].version if self.entries[number].kind == "source" else "made"
            for number, _ in entry.made_from
        )
        words = dict(entry.frames).get(frame or 0) if entry.kind == "sequence" else entry.words
        return Own((entry.number, frame, words, sources), frozenset(entry.looks.values() or {0}))

    def closed(self, address: str, levels: Mapping[str, str]) -> bool:
        """Whether a gate that nobody has opened stands before the picture; `levels` are the lock's."""
        (entry,) = (one for one in self.entries if one.name == address.partition("#")[0])
        for number, frame in entry.made_from:
            above = self.entries[number]
            name = above.address(frame)
            if above.gated and levels.get(name, "auto") == "auto":
                return True
            if above.kind == "derived" and self.closed(name, levels):
                return True
        return False

    def named_in(self, prompt: str) -> Iterator[str]:
        """The addresses whose own words a prompt holds; of a counted sequence the glob that means all that it brings."""
        for number, frame in _TOKEN.findall(prompt):
            yield self.entries[int(number)].address(int(frame) if frame else None)

    def write(self, folder: Path) -> None:
        for entry in self.entries:
            if entry.kind == "source":
                colour = (entry.version * 40 % 256, entry.number * 30 % 256, 90)
                Image.new("RGB", (32, 32), colour).save(folder / f"s{entry.number}.png")
        moved = ", ".join(f"{old}: {self.entries[number].name}" for old, number in sorted(self.moved.items()))
        (folder / "seedpipe.yaml").write_text(
            "seedpipe: 1\nproject: mixed\ndefaults: {model: seedream-4-0, size: 1K}\nvars: {look: x0}\n"
            f"profiles: {{{DRAFT}: {{force: {{size: 2K}}}}}}\n"
            + (f"moved: {{{moved}}}\n" if moved else "")
            + "images:\n"
            + "".join(f"  {self._line(entry)}\n" for entry in self.entries),
            encoding="utf-8",
        )

    def _line(self, entry: Entry) -> str:
        above = ", ".join(f"'{self.address_of(which)}'" for which in entry.made_from)
        rest = ("" if entry.cascade else ", cascade: false") + (", gate: approve" if entry.gated else "")
        match entry.kind:
            case "source":
                return f"{entry.name}: {{file: s{entry.number}.png}}"
            case "derived":
                return f"{entry.name}: {{from: {above}, steps: [{{resize: {16 + entry.words}x16}}]}}"
            case "sequence":
                frames = ", ".join(
                    f"{{id: f{frame}, prompt: n{entry.number}f{frame} w{words}}}" for frame, words in entry.frames
                )
                return f"{entry.name}: {{references: [{above}]{rest}, sequence: {{frames: [{frames}]}}}}"
            case "counted":
                prompt = f"prompt: 'n{entry.number} w{entry.words} Lamps', references: [{above}]{rest}"
                return f"{entry.name}: {{{prompt}, sequence: {{max_images: {len(entry.frames)}}}}}"
            case _:
                prompt = f"prompt: 'n{entry.number} w{entry.words} {{{{ look }}}} {_IMAGES}'"
                looks = ", ".join(f"{name}: {{look: x{look}}}" for name, look in entry.looks.items())
                rest += f", looks: {{{looks}}}" if looks else ""
                return f"{entry.name}: {{{prompt}, references: [{above}], takes: {entry.takes}{rest}}}"


def asked_by(prompt: str) -> tuple[int, int, int] | None:
    """Of an image's prompt: the number of its entry, its words, and what it looks like."""
    found = _WORDS.match(prompt)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


_IMAGES = "{% for one in refs %}{{ refs[one] }} {% endfor %}"  # other words with fewer pictures
LOOKS: Sequence[Mapping[str, int]] = ({}, {}, {"a": 0, "b": 1}, {"b": 1, "c": 2, "a": 0})


@st.composite
def projects(draw: st.DrawFn) -> Drawn:
    """Two to five entries, each made from some of those before it."""
    entries: list[Entry] = []
    there: list[Which] = []
    for number in range(draw(st.integers(2, 5))):
        kinds = ["image", "image", "image", "sequence", "counted", "source"] + (["derived"] if there else [])
        first = ["image", "sequence", "counted", "source"]
        kind = draw(st.sampled_from(kinds if number else first))
        least = draw(st.sampled_from([0, 1, 1, 1]))
        above = draw(st.lists(st.sampled_from(there), min_size=least, max_size=2, unique=True)) if there else []
        if kind == "derived":
            above = [draw(st.sampled_from([one for one in there if not _is_glob(entries, one)]))]
        frames = [(frame, 0) for frame in range(draw(st.integers(2, 4)))] if kind == "sequence" else []
        if kind == "counted":
            frames = [(frame, 0) for frame in range(1, draw(st.integers(2, 3)) + 1)]
        entries.append(
            Entry(
                number=number,
                kind=kind,
                made_from=() if kind == "source" else tuple(above),
                takes=draw(st.sampled_from([1, 1, 2])),
                looks=dict(draw(st.sampled_from(LOOKS))) if kind == "image" else {},
                frames=frames,
                gated=kind in ("image", "sequence") and draw(st.sampled_from([False, False, False, True])),
                name=f"n{number}",
            )
        )
        there += [(number, frame) for frame, _ in frames] or [(number, None)]
        there += [(number, None)] * 3 if kind == "counted" else []
    return Drawn(entries)


def _is_glob(entries: Sequence[Entry], which: Which) -> bool:
    return which[1] is None and entries[which[0]].kind == "counted"


EDITS = (
    "words", "frame words", "frames moved", "new frame", "takes", "source", "cascade", "gate",
    "new look", "look", "look gone", "looks turned", "look renamed",
)  # fmt: skip


def edit(drawn: Drawn, what: str, number: int) -> None:
    """One edit of an entry; nothing where it makes no sense."""
    entry = drawn.entries[number % len(drawn.entries)]
    match what:
        case "words" if entry.kind in ("image", "counted", "derived"):
            entry.words = (entry.words + 1) % 3  # so that earlier words come back
        case "frame words" if entry.kind == "sequence":
            frame, words = entry.frames[0]
            entry.frames[0] = (frame, (words + 1) % 3)
        case "frames moved" if entry.kind == "sequence":
            entry.frames = [*entry.frames[1:], entry.frames[0]]
        case "new frame" if entry.kind == "sequence" and len(entry.frames) < 6:
            entry.frames.append((len(entry.frames), 0))
        case "takes" if entry.kind == "image":
            entry.takes = entry.takes % 3 + 1
        case "source" if entry.kind == "source":
            entry.version = (entry.version + 1) % 3
        case "cascade" if entry.is_bought:
            entry.cascade = not entry.cascade
        case "gate" if entry.is_bought and entry.kind != "counted":
            entry.gated = not entry.gated
        case _ if entry.kind == "image":
            _edit_looks(entry, what)


def _edit_looks(entry: Entry, what: str) -> None:
    names = list(entry.looks)
    match what:
        case "new look" if len(names) < 3:
            entry.looks[next(name for name in "abc" if name not in names)] = (len(names) + entry.words) % 4
        case "look" if names:
            entry.looks[names[-1]] = (entry.looks[names[-1]] + 1) % 4  # it may come to be what another one is
        case "look gone" if names:
            del entry.looks[names[0]]
        case "looks turned" if names:
            entry.looks = {name: entry.looks[name] for name in (*names[1:], names[0])}
        case "look renamed" if names:
            entry.looks = {"d" if name == names[0] != "d" else name: look for name, look in entry.looks.items()}


def rename(drawn: Drawn, number: int, *, says_so: bool) -> tuple[str, str]:
    """Another name for an entry, with `says_so` named in `moved`. Returns the old and the new one."""
    entry = drawn.entries[number % len(drawn.entries)]
    old = entry.name
    entry.names += 1
    entry.name = f"m{entry.number}-{entry.names}"
    if says_so:
        drawn.moved[old] = entry.number
    return old, entry.name
