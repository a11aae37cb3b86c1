"""One lock and its record of decisions, looked at after each command: what may have become another picture, and what not.

Read as JSON from the files, not through the product: this is the other opinion. The rules are those of design §3, "who may
displace a choice".
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.mixed.drawn import Own

Line = Any  # a line's JSON

PINNED, APPROVED, AUTO = "pinned", "approved", "auto"
APPROVING = ("pick", "approve", "keep", "adopt", "promote")
BY_A_BUILD = ("output", "finish", "look")  # what a build adds to a line by itself, beside takes; a look may be renamed


def is_picture(line: Line) -> bool:
    return isinstance(line, dict) and "want" in line


def choice(line: Line) -> Any:
    """What a person has decided: the line less what comes and goes by itself."""
    if not is_picture(line):
        return line
    return {name: value for name, value in line.items() if name not in (*BY_A_BUILD, "takes", "also")}


def takes_in(line: Line) -> set[str]:
    if not is_picture(line):
        return set()
    return {line["take"], *line["takes"], *(take for takes in line.get("also", {}).values() for take in takes)}


@dataclass
class Act:
    """One decision as it was seen: the lines before it, by this test's own look at the lock."""

    id: str
    verb: str
    before: Mapping[str, Line]
    after: Mapping[str, Line]
    undoes: str | None


@dataclass
class Side:
    """`own` says of a picture that is bought what is asked in its own name now; `is_there` what the manifest has."""

    lock: Path
    record: Path
    own: Callable[[str], Own | None]
    is_there: Callable[[str], bool]
    look_of: Callable[[str, str], int | None]  # of a take of an address: which of its looks it shows
    lines: dict[str, Line] = field(default_factory=dict)
    written: bytes = b""
    acts: list[Act] = field(default_factory=list)
    ever: dict[str, set[str]] = field(default_factory=dict)  # address → takes that its line ever named
    means: dict[str, Own] = field(default_factory=dict)  # a line's `own` → what was asked when it came about
    pins: dict[str, tuple[str | None, str]] = field(
        default_factory=dict
    )  # address → level and take before it was pinned

    def look(self) -> tuple[dict[str, Line], list[Any]]:
        """The lock's lines and the record's new ones. The record has only grown."""
        lines = {}
        for line in self.lock.read_text(encoding="utf-8").splitlines()[1:] if self.lock.exists() else ():
            name, _, body = line.partition(" ")
            lines[name] = json.loads(body)
        lines.pop("@project", None)
        written = self.record.read_bytes() if self.record.exists() else b""
        assert written.startswith(self.written), "a decision that was on record is so no longer"
        new = [json.loads(line) for line in written[len(self.written) :].splitlines()]
        self.written = written
        return lines, new

    def levels(self, moved: Mapping[str, str]) -> dict[str, str]:
        return {name: line["level"] for name, line in self.foreseen(moved).items() if is_picture(line)}

    def foreseen(self, moved: Mapping[str, str]) -> dict[str, Line]:
        """The lines as the next command that writes will find them."""
        return self._moved(moved, {})[0]

    # What a command did

    def nothing_happened(self) -> None:
        lines, new = self.look()
        changed = {name for name in {*lines, *self.lines} if lines.get(name) != self.lines.get(name)}
        assert not changed and not new, f"what changes nothing here has changed {changed}"

    def bought(self, *, named: Collection[str] = (), moved: Mapping[str, str] | None = None) -> None:
        """After a build: nobody has decided anything. `named` are its targets, `moved` the manifest's own."""
        lines, new = self.look()
        before, moving = self._moved(moved or {}, lines)
        assert not new, "a build is no decision"
        assert before.keys() <= lines.keys(), "a build takes no line out"
        self._displaced(before, lines, named=named)
        self._settle(lines, moving)

    def decided(
        self, verb: str, *, about: Collection[str], moved: Mapping[str, str] | None = None, bought: bool = False
    ) -> list[Any]:
        """After a person's verb about some names; returns what it put on record. `bought`: it spent before it decided."""
        lines, new = self.look()
        before, moving = self._moved(moved or {}, lines)
        decided = {one["node"] for one in new}
        assert decided <= set(about), f"{decided - set(about)} was decided about and not named"
        self._recorded(verb, new, before, lines, bought=bought)
        gone = {name for name in before if name not in lines} - decided
        assert not gone, f"the lines of {gone} are gone, and nobody said so"
        self._displaced(before, lines, decided=decided)
        if new:
            known = {name: self.lines.get(name, before.get(name)) for name in decided}
            self.acts.append(
                Act(
                    id=new[0]["id"],
                    verb=verb,
                    before={**known, **{one["node"]: one["before"] for one in new if bought}},
                    after={name: lines.get(name) for name in decided},
                    undoes=new[0].get("undoes"),
                )
            )
        self._settle(lines, moving, decided=decided, as_it_was=verb in ("undo", "mv"))
        for name in decided:
            if is_picture(lines.get(name)) and lines[name]["level"] == PINNED:
                self._said_of_pinned(name, verb)
        return new

    def _said_of_pinned(self, name: str, verb: str) -> None:
        """Who approves of a pinned picture has approved of it when it is unpinned; after an undo, only the record knows."""
        if verb in APPROVING:
            self.pins[name] = (APPROVED, self.lines[name]["take"])
        elif verb == "undo":
            self.pins[name] = (None, self.lines[name]["take"])

    def _recorded(
        self, verb: str, new: list[Any], before: Mapping[str, Line], lines: Mapping[str, Line], *, bought: bool
    ) -> None:
        """A line for each decision, and the lock says what they say."""
        assert len({one["id"].partition("-")[0] for one in new}) <= 1, "one command is one act"
        for one in new:
            assert (one["verb"], one["who"]) == (verb, "Mika Ito <mika@example.com>")
            if not bought:
                assert one["before"] == before.get(one["node"]), "it was decided about another line than there was"
            now = lines.get(one["node"])
            if verb != "mv" or is_picture(one["after"]):  # what is free is made anew as it is put in its new place
                assert choice(now) == choice(one["after"]), (
                    f"the lock does not say what was decided about {one['node']}"
                )
            assert takes_in(one["after"]) <= takes_in(now)
            if verb not in ("undo", "mv", "prune"):
                assert takes_in(one["before"]) <= takes_in(one["after"]), "a decision has lost a take from the line"

    def _moved(self, moved: Mapping[str, str], lines: Mapping[str, Line]) -> tuple[dict[str, Line], dict[str, str]]:
        """The lines as the manifest's `moved` has them, once it is written down: a line that a person chose there holds."""
        before, moving = dict(self.lines), {}
        for old, new in moved.items():
            for name in [one for one in before if one == old or one.startswith(f"{old}#")]:
                target = new + name.removeprefix(old)
                present = before.get(target)
                holds = present is not None and present.get("level") != AUTO
                if name in lines or not self.is_there(target) or holds:
                    continue
                line = before.pop(name)
                if present is not None:
                    line = {**line, "takes": [*line["takes"], *sorted(takes_in(present))]}
                before[target], moving[name] = line, target
        return before, moving

    def _displaced(
        self,
        before: Mapping[str, Line],
        lines: Mapping[str, Line],
        *,
        named: Collection[str] = (),
        decided: Collection[str] = (),
    ) -> None:
        for name, was in before.items():
            now = lines.get(name)
            if name in decided or not is_picture(was) or now is None:
                continue
            stays = (now["take"], now["level"]) == (was["take"], was["level"])
            if was["level"] == PINNED:
                assert choice(now) == choice(was), f"{name} was pinned, and nobody has decided about it"
            elif was["level"] == APPROVED and not stays:
                is_other = not self._is_asked(name, self.means.get(was["own"]))
                assert is_other or name in named, f"{name} was approved, and only what it is made from has changed"
                assert now["level"] == AUTO
            elif was["level"] == AUTO and not stays:
                assert now["want"] != was["want"], f"{name} is another picture, and nothing else was asked"
                assert now["level"] == AUTO, f"nobody has approved {name}"

    def _settle(
        self,
        lines: dict[str, Line],
        moving: Mapping[str, str],
        *,
        decided: Collection[str] = (),
        as_it_was: bool = False,
    ) -> None:
        """From now on this is what there is."""
        for old, new in moving.items():
            self.follow(old, new)
        for name, line in lines.items():
            if not is_picture(line):
                continue
            self.ever.setdefault(name, set()).update(takes_in(line))
            own, before = self.own(name), self.lines.get(name)
            is_new = not is_picture(before) or before["want"] != line["want"]
            if own is not None and is_new and not as_it_was and name not in moving.values():
                look = self.look_of(name, line["take"])
                now = Own(own.shared, own.looks if look is None else own.looks & {look})
                known = self.means.get(line["own"], now)
                self.means[line["own"]] = Own(own.shared, known.looks & now.looks)
                assert known.shared == own.shared, f"{name} stands for what is not asked"
                assert self.means[line["own"]].looks, f"{name} shows what is not asked"
            if line["level"] == PINNED and is_picture(before) and before["level"] != PINNED and name in decided:
                self.pins[name] = (before["level"], before["take"])
        self.lines = lines

    def _is_asked(self, name: str, what: Own | None) -> bool:
        """Whether what a line is for is asked in the picture's own name now; of many looks that it may be, all are."""
        own = self.own(name)
        return own is None or (what is not None and what.shared == own.shared and what.looks <= own.looks)

    def follow(self, old: str, new: str) -> None:
        """A line stands under another name now."""
        self.ever.setdefault(new, set()).update(self.ever.get(old, ()))
        if old in self.pins:
            self.pins[new] = self.pins[old]
