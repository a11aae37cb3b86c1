"""What people decide about the pictures of a shop, one method a verb; each checks that it has decided just that."""

import hashlib
import io
from pathlib import Path
from typing import Any

from PIL import Image

from tests.mixed.drawn import DRAFT
from tests.mixed.shop import Shop
from tests.mixed.side import APPROVED, AUTO, PINNED, Side, choice, is_picture
from tests.support.workspace import Ran


class Desk(Shop):
    """A shop where people decide, too."""

    def decide(self, verb: str, address: str, *arguments: str, profile: str | None = None) -> tuple[Ran, list[Any]]:
        """A verb about one picture, or all frames of a sequence."""
        side = self.sides[profile]
        ran = self.work.run(verb, address, *arguments, *self.flags(profile), "--json")
        new = side.decided(verb, about=self._named([address]), moved=self.moved)
        self.others_stay(profile)
        assert ran.code in (0, 1, 2), ran.err
        assert not (ran.code and len(self._named([address])) == 1 and new), "it was refused and yet decided"
        return ran, new

    def raised(self, verb: str, address: str, *arguments: str, profile: str | None = None) -> None:
        """`approve`, `pin` and `keep`: the picture stays, its level rises."""
        level = PINNED if verb == "pin" else APPROVED
        before = self.sides[profile].foreseen(self.moved)
        ran, new = self.decide(verb, address, *arguments, profile=profile)
        for one in new:
            was, now = one["before"], one["after"]
            expected = PINNED if was["level"] == PINNED else level
            assert (now["take"], now["made"], now["level"]) == (was["take"], was["made"], expected)
            assert verb == "keep" or {**now, "level": ""} == {**was, "level": ""}
        for name in self._named([address]):
            line = before.get(name)
            if line is None:
                assert name not in {one["node"] for one in new}
            elif verb == "pin" or (verb == "approve" and line["level"] != AUTO):
                assert self.sides[profile].foreseen(self.moved)[name]["level"] in (level, PINNED), ran.err

    def unpin(self, address: str, profile: str | None = None) -> None:
        side = self.sides[profile]
        line = side.foreseen(self.moved).get(address)
        ran, new = self.decide("unpin", address, profile=profile)
        before = side.pins.get(address)
        if line is None or line["level"] != PINNED:
            assert (ran.code, new) == (1, [])
            return
        assert ran.code == 0, ran.err
        level, take = before or (APPROVED, line["take"])
        expected = {level or AUTO, level or APPROVED} if take == line["take"] else {APPROVED}
        assert side.lines[address]["level"] in expected
        assert {**choice(side.lines[address]), "level": ""} == {**choice(line), "level": ""}

    def takes(self, address: str, profile: str | None = None) -> list[str]:
        """What the verb lists, from the first on. Nothing is changed by looking, and nothing was ever lost."""
        ran = self.work.run("takes", address, "--json", *self.flags(profile))
        assert ran.code == 0, ran.err
        self.sides[profile].nothing_happened()
        (node,) = ran.json["nodes"]
        takes = sorted((take for group in node["groups"] for take in group["takes"]), key=lambda take: take["number"])
        listed = [take["digest"] for take in takes]
        side = self.sides[profile]
        lost = side.ever.get(address, set()) - set(listed)
        assert not lost, f"{address} had the takes {lost}, which are listed no longer"
        assert all(take["at_hand"] for take in takes)
        line = side.foreseen(self.moved).get(address)
        assert [take["digest"] for take in takes if take["chosen"]] == ([line["take"]] if line else [])
        return listed

    def pick(self, address: str, which: int, profile: str | None = None) -> None:
        listed = self.takes(address, profile)
        if not listed:
            return
        side, take = self.sides[profile], listed[which % len(listed)]
        was = side.foreseen(self.moved).get(address)
        ran, new = self.decide("pick", address, take.removeprefix("sha256:")[:24], profile=profile)
        if ran.code == 1:
            assert "comes first" in " ".join(ran.err.split()), ran.err
            return
        now = side.foreseen(self.moved)[address]
        assert now["take"] == take
        assert now["level"] == (PINNED if was and was["level"] == PINNED else APPROVED)
        assert not new or new[0]["take"] == take

    def pick_look(self, address: str, which: int, profile: str | None = None) -> None:
        """A look by its name: its take, or what somebody has brought for it."""
        entry, _ = self.drawn.by_address()[address]
        if not entry.looks:
            return
        name = list(entry.looks)[which % len(entry.looks)]
        ran, new = self.decide("pick", address, name, profile=profile)
        if ran.code in (1, 2):  # none of it has come, several have, or what it is made from comes first
            assert not new
            return
        take = self.sides[profile].lines[address]["take"]
        assert self._look_of(address, take) in (None, entry.looks[name]), (
            f"{name} was picked, and another look is there"
        )
        assert all(one["take"] == take for one in new)

    def adopt(self, address: str, profile: str | None = None, *, edited: bool) -> None:
        """A file of somebody's becomes the picture; `edited`: it lies at the output."""
        path = self._output(address, profile) if edited else self.folder / "theirs.png"
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._somebodys())
        digest = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        side = self.sides[profile]
        was = side.foreseen(self.moved).get(address)
        ran, _ = self.decide("adopt", address, *([] if edited else [str(path)]), profile=profile)
        if ran.code == 1:
            assert "comes first" in " ".join(ran.err.split()), ran.err
            return
        assert side.lines[address]["take"] == digest
        assert side.lines[address]["level"] == (PINNED if was and was["level"] == PINNED else APPROVED)
        assert side.lines[address]["made"]["adopted_by"] == "Mika Ito <mika@example.com>"

    def _somebodys(self) -> bytes:
        """A picture that nobody has seen before."""
        self.brought += 1
        data = io.BytesIO()
        Image.new("RGB", (40, 40), (self.brought % 256, self.brought // 256, 7)).save(data, "PNG")
        return data.getvalue()

    def _output(self, address: str, profile: str | None) -> Path | None:
        found = [node["output"] for node in self.plan(*self.flags(profile))["nodes"] if node["address"] == address]
        return self.work.folder / found[0] if found and found[0] else None

    def paint_over(self, address: str, profile: str | None = None) -> None:
        """Somebody edits an output, has nothing overwritten by a build, and has ours restored."""
        path = self._output(address, profile)
        if path is None or not path.exists():
            return
        painted = self._somebodys()
        path.write_bytes(painted)
        theirs = hashlib.sha256(painted).hexdigest()
        self.build(profile)
        assert path.read_bytes() == painted, "a build has written over somebody's file"
        before = self.sides[profile].foreseen(self.moved)
        ran, new = self.decide("restore", address, profile=profile)
        if ran.code == 0 and new:
            assert theirs in self.store(), "what was written over is kept"
            assert new[0]["file"] == f"sha256:{theirs}"
            assert path.read_bytes() != painted
            assert choice(before.get(address)) == choice(self.sides[profile].lines.get(address))
        else:
            path.unlink()

    def lose_output(self, address: str, profile: str | None = None) -> None:
        path = self._output(address, profile)
        if path is not None and path.exists():
            path.unlink()

    def note(self, address: str, profile: str | None = None) -> None:
        ran, new = self.decide("note", address, "-m", "the lamp", profile=profile)
        assert (ran.code, len(new)) == (0, len(self._named([address])))
        assert all((one["before"], one["note"]) == (one["after"], "the lamp") for one in new)

    def promote(self, address: str | None, profile: str | None = None) -> None:
        side, theirs = self.sides[profile], self.sides[DRAFT]
        before = side.foreseen(self.moved)
        ran = self.work.run("promote", *([address] if address else []), "--from", DRAFT, "--json", *self.flags(profile))
        about = self._named([address]) if address else set(self.drawn.bought)
        new = side.decided("promote", about=about, moved=self.moved)
        self.sides[DRAFT].bought(moved=self.moved)
        assert ran.code in (0, 1), ran.err
        for one in new:
            was, here = before.get(one["node"]), side.lines[one["node"]]
            assert here["take"] == theirs.lines[one["node"]]["take"]
            if is_picture(was) and was["take"] != here["take"]:
                assert was["level"] == AUTO or (was["level"] == APPROVED and address is not None)
            assert address is not None or theirs.lines[one["node"]]["level"] != AUTO

    def upgrade(self, profile: str | None = None) -> None:
        side = self.sides[profile]
        ran = self.work.run("upgrade", "--yes", "--json", *self.flags(profile))
        names = [name for name in side.lines if name.startswith("@resolved/")]
        side.decided("upgrade", about=names, moved=self.moved)
        self.others_stay(profile)
        assert ran.code == 0, ran.err

    def undo(self, which: int | None, profile: str | None = None) -> None:
        """Takes back the last decision, or one of those on record: all of it is as it was, or nothing is changed."""
        side = self.sides[profile]
        if which is not None and not side.acts:
            return
        act = self._last(side) if which is None else side.acts[which % len(side.acts)]
        before = side.foreseen(self.moved)
        ran = self.work.run("undo", *([act.id] if which is not None and act else []), *self.flags(profile), "--json")
        names = set(act.before) if act else set()
        new = side.decided("undo", about=names, moved=self.moved)
        self.others_stay(profile)
        if act is None or not new:
            assert ran.code == 1, ran.err
            return
        assert ran.code == 0, ran.err
        assert {one["undoes"] for one in new} == {act.id}
        for name, line in act.before.items():
            if choice(act.after[name]) == choice(line):  # it changed nothing, and there is nothing to take back
                line = before.get(name)
            assert choice(side.lines.get(name)) == choice(line), f"{name} is not what it was before {act.verb}"
            lost = set() if line is None else self._lost(before.get(name), side.lines.get(name), act.after.get(name))
            assert not lost, f"takes that have come since are gone from the line: {lost}"

    @staticmethod
    def _lost(before: Any, now: Any, after: Any) -> set[str]:
        if not is_picture(before) or not is_picture(now):
            return set()
        took = {before["take"], *before["takes"]} - {after["take"], *after["takes"]} if is_picture(after) else set()
        return took - {now["take"], *now["takes"], *(one for takes in now.get("also", {}).values() for one in takes)}

    @staticmethod
    def _last(side: Side) -> Any:
        """The newest decision that stands, which is no undo."""
        gone: set[str] = set()
        for act in reversed(side.acts):
            if act.undoes is not None and act.id not in gone:
                gone.add(act.undoes)
        standing = [act for act in side.acts if act.undoes is None and act.id not in gone]
        return standing[-1] if standing else None

    def move(self, old: str, new: str, profile: str | None = None) -> None:
        side = self.sides[profile]
        before = side.foreseen(self.moved)
        there = [name for name in before if name == old or name.startswith(f"{old}#")]
        ran = self.work.run("mv", old, new, *self.flags(profile), "--json")
        names = {*there, *(new + name.removeprefix(old) for name in there)}
        decided = side.decided("mv", about=names, moved=self.moved)
        self.others_stay(profile)
        moved = {one["node"] for one in decided if one["after"] is None}
        for name in there:
            target = new + name.removeprefix(old)
            present = before.get(target)
            if name in moved:
                kept = choice(side.lines[target]) == choice(before[name])
                assert kept or not is_picture(before[name]), "a move changes no choice; what is free may be made anew"
                assert present is None or present.get("level") == AUTO
                side.follow(name, target)
            else:
                assert ran.code in (1, 2), ran.err
                assert side.lines[name] == before[name]

    def prune(self, profile: str | None = None) -> None:
        side = self.sides[profile]
        there = set(self.drawn.by_address())
        orphans = [name for name in side.lines if name not in there and not name.startswith("@")]
        ran = self.work.run("lock", "prune", *self.flags(profile), "--json")
        before = side.foreseen(self.moved)
        new = side.decided("prune", about=orphans, moved=self.moved)
        self.others_stay(profile)
        assert ran.code == 0, ran.err
        for one in new:
            line = before.get(one["node"])
            assert not is_picture(line) or line["level"] == AUTO, "somebody chose it, and nobody has named it"

    def resolve(self, *, paid: bool) -> None:
        """What was sent and never answered is looked up at the provider."""
        ran = self.work.run("resolve", "--paid" if paid else "--not-paid", *self.flags(None))
        assert ran.code in (0, 1, 2, 75), ran.err
        for side in self.sides.values():
            side.bought(moved=self.moved)

    def records_are_sound(self) -> None:
        """`check` has nothing to say of locks and decisions that only seedpipe has written."""
        for flags in ([], ["--profile", DRAFT]):
            ran = self.work.run("check", "--json", *flags)
            found = [one for one in ran.json["faults"] if one["code"] in ("lock", "lock-line", "decision-line")]
            assert not found, found

    def look(self, verb: str, profile: str | None = None) -> None:
        """Nothing is changed by looking."""
        ran = self.work.run(verb, *[one for one in self.flags(profile) if verb != "check" or one != "--proof"])
        assert ran.code in (0, 1, 3, 75), ran.err
        for side in self.sides.values():
            side.nothing_happened()
