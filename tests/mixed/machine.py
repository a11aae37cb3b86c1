"""Random verbs of people, edits and builds in random order, as a state machine: a failure comes with the session that led to it."""

import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.mixed.desk import Desk
from tests.mixed.drawn import DRAFT, EDITS, Drawn, edit, projects, rename
from tests.mixed.service import Services
from tests.sessions.conftest import Account
from tests.support.inside import InsideWorkspace
from tests.support.workspace import Workspace

PROFILE = st.sampled_from([None, None, None, DRAFT])
NUMBER = st.integers(0, 11)
FAULTS = (
    {"do": "unavailable", "times": 1},
    {"do": "json-for-stream"},
    {"do": "previews"},
    {"do": "fewer", "count": 1},
    {"do": "fewer", "count": 2},
    {"do": "moderate-output"},
    {"do": "moderate-output", "index": 1},
    {"do": "moderate-input"},
    {"do": "refuse", "code": "InvalidParameter"},
    {"do": "drop-after-billing"},
    {"do": "drop-before-billing"},
    {"do": "truncated-body"},
    {"do": "cut-stream", "count": 1},
    {"do": "item-error", "index": 1},
    {"do": "gone"},
)


@st.composite
def faults(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Mostly none."""
    found = draw(st.lists(st.sampled_from(FAULTS), max_size=2)) if draw(st.integers(0, 2)) == 2 else []
    return [{**fault, "match": draw(st.sampled_from(["n0", "n1", "n2", "w"]))} for fault in found]


CHANGES = {
    "number": NUMBER,
    "verb": st.sampled_from(["approve", "pin", "pick", "adopt", "keep", ""]),
    "change": st.sampled_from(["words", "words", "frame words", "source", "reroll", "pick", "adopt"]),
    "flags": st.sampled_from([(), (), (), ("--no-cascade",), ("--retry-blocked",)]),
    "faults": faults(),
}


class People(RuleBasedStateMachine):
    """`services` are given by whoever runs it, and in whose process the command lines run."""

    services: Services
    kind: type[Workspace] = InsideWorkspace

    @initialize(drawn=projects(), live=st.booleans(), faults=faults())
    def begin(self, drawn: Drawn, live: bool, faults: list[dict[str, Any]]) -> None:
        self.folder = Path(tempfile.mkdtemp())
        account = Account(self.services.running, f"key-{secrets.token_hex(12)}")
        account.faults()
        self.shop = Desk(
            self.folder,
            account,
            drawn,
            self.services.relay if live else None,
            self.services.catalogue,
            self.kind,
        )
        self.shop.build(faults=faults)

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            self.shop.nothing_was_sent()
            self.shop.records_are_sound()
            shutil.rmtree(self.folder)

    def picture(self, number: int) -> str | None:
        bought = self.shop.drawn.bought
        return bought[number % len(bought)] if bought else None

    # Edits

    @rule(what=st.sampled_from(EDITS), number=NUMBER)
    def edits(self, what: str, number: int) -> None:
        edit(self.shop.drawn, what, number)
        self.shop.drawn.write(self.shop.work.folder)

    @rule(**CHANGES)
    def decides_and_then_what_it_is_made_from_changes(
        self, number: int, verb: str, change: str, flags: tuple[str, ...], faults: list[dict[str, Any]]
    ) -> None:
        """The heart of it: what a build displaces. Often it is the picture itself that is edited."""
        shop, address = self.shop, self.picture(number)
        if address is None:
            return
        entry, _ = shop.drawn.by_address()[address]
        match verb:
            case "approve" | "pin" | "keep":
                shop.raised(verb, address)
            case "pick":
                shop.pick(address, number)
            case "adopt":
                shop.adopt(address, edited=False)
        above, frame = (entry.made_from or ((entry.number, None),))[number % max(1, len(entry.made_from))]
        changed = shop.drawn.entries[above]
        name = changed.addresses[0] if frame is None else changed.address(frame)
        if change == "reroll" and changed.is_bought:
            shop.reroll(name, faults=faults)
        elif change == "pick" and changed.is_bought:
            shop.pick(name, number + 1)
        elif change == "adopt" and changed.is_bought:
            shop.adopt(name, edited=False)
        else:
            edit(shop.drawn, change, above)
            shop.drawn.write(shop.work.folder)
        shop.build(flags=flags, faults=faults)

    @rule(**CHANGES)
    def and_once_more(self, **drawn: Any) -> None:
        """As likely as all other rules, more or less: each example has some."""
        self.decides_and_then_what_it_is_made_from_changes(**drawn)

    @rule(number=NUMBER, how=st.sampled_from(["mv", "mv", "moved", "not said"]), profile=PROFILE)
    def renames(self, number: int, how: str, profile: str | None) -> None:
        old, new = rename(self.shop.drawn, number, says_so=how == "moved")
        self.shop.drawn.write(self.shop.work.folder)
        if how == "mv":
            self.shop.move(old, new, profile)

    @rule(number=NUMBER, profile=PROFILE)
    def loses_an_output(self, number: int, profile: str | None) -> None:
        if (address := self.picture(number)) is not None:
            self.shop.lose_output(address, profile)

    # Builds

    @rule(
        profile=PROFILE,
        names=st.sampled_from([(), (), (), ("{0}",), ("+{0}",), ("{0}+",), ("{0}", "{1}")]),
        flags=st.sampled_from(
            [(), (), (), ("--no-cascade",), ("--through-gates",), ("--retry-blocked",), ("--retry-unknown",)]
        ),
        saved=st.booleans(),
        faults=faults(),
        number=NUMBER,
        other=NUMBER,
    )
    def builds(
        self,
        profile: str | None,
        names: tuple[str, ...],
        flags: tuple[str, ...],
        saved: bool,
        faults: list[dict[str, Any]],
        number: int,
        other: int,
    ) -> None:
        entries = self.shop.drawn.entries
        there = [entries[one % len(entries)].name for one in (number, other)]
        written = [name.format(*there) for name in names]
        self.shop.build(profile, targets=written, flags=flags, faults=faults, saved=saved)

    @rule(
        profile=PROFILE,
        number=NUMBER,
        more=st.integers(1, 2),
        whole=st.booleans(),
        look=st.none() | NUMBER,
        faults=faults(),
    )
    def rolls_again(
        self,
        profile: str | None,
        number: int,
        more: int,
        whole: bool,
        look: int | None,
        faults: list[dict[str, Any]],
    ) -> None:
        if (address := self.picture(number)) is not None:
            self.shop.reroll(address, profile, more=more, whole=whole, look=look, faults=faults)

    @rule(paid=st.booleans())
    def looks_up_what_is_uncertain(self, paid: bool) -> None:
        self.shop.resolve(paid=paid)

    # Decisions

    @rule(number=NUMBER, which=NUMBER, profile=PROFILE)
    def picks(self, number: int, which: int, profile: str | None) -> None:
        if (address := self.picture(number)) is not None:
            self.shop.pick(address, which, profile)

    @rule(number=NUMBER, which=NUMBER, profile=PROFILE)
    def picks_a_look(self, number: int, which: int, profile: str | None) -> None:
        if (address := self.picture(number)) is not None:
            self.shop.pick_look(address, which, profile)

    @rule(number=NUMBER, group=st.booleans(), stale=st.booleans(), profile=PROFILE)
    def approves(self, number: int, group: bool, stale: bool, profile: str | None) -> None:
        if (address := self.picture(number)) is not None:
            name = address.partition("#")[0] if group else address
            self.shop.raised("approve", name, *(["--stale"] if stale else []), profile=profile)

    @rule(number=NUMBER, profile=PROFILE)
    def pins(self, number: int, profile: str | None) -> None:
        if (address := self.picture(number)) is not None:
            self.shop.raised("pin", address, profile=profile)

    @rule(number=NUMBER, profile=PROFILE)
    def unpins(self, number: int, profile: str | None) -> None:
        if (address := self.picture(number)) is not None:
            self.shop.unpin(address, profile)

    @rule(number=NUMBER, group=st.booleans(), profile=PROFILE)
    def keeps(self, number: int, group: bool, profile: str | None) -> None:
        if (address := self.picture(number)) is not None:
            self.shop.raised("keep", address.partition("#")[0] if group else address, profile=profile)

    @rule(number=NUMBER, edited=st.booleans(), profile=PROFILE)
    def adopts(self, number: int, edited: bool, profile: str | None) -> None:
        if (address := self.picture(number)) is not None:
            self.shop.adopt(address, profile, edited=edited)

    @rule(number=NUMBER, profile=PROFILE)
    def paints_over_an_output(self, number: int, profile: str | None) -> None:
        if (address := self.picture(number)) is not None:
            self.shop.paint_over(address, profile)

    @rule(number=NUMBER, profile=PROFILE)
    def notes(self, number: int, profile: str | None) -> None:
        if (address := self.picture(number)) is not None:
            self.shop.note(address, profile)

    @rule(number=NUMBER, named=st.booleans())
    def promotes(self, number: int, named: bool) -> None:
        if (address := self.picture(number)) is not None:
            self.shop.promote(address if named else None)

    @rule(tomorrow=st.booleans(), profile=PROFILE)
    def upgrades(self, tomorrow: bool, profile: str | None) -> None:
        if tomorrow:  # and it never is today again
            self.shop.at_the_time_of(self.services.catalogue)
        self.shop.upgrade(profile)

    @rule(which=st.none() | NUMBER, profile=PROFILE)
    def takes_back(self, which: int | None, profile: str | None) -> None:
        self.shop.undo(which, profile)

    @rule(profile=PROFILE)
    def prunes(self, profile: str | None) -> None:
        self.shop.prune(profile)

    # Looks

    @rule(number=NUMBER, profile=PROFILE, verb=st.sampled_from(["takes", "status", "check"]))
    def looks(self, number: int, profile: str | None, verb: str) -> None:
        address = self.picture(number)
        if verb == "check":
            self.shop.records_are_sound()
        if verb != "takes":
            self.shop.look(verb, profile)
        elif address is not None:
            self.shop.takes(address, profile)
