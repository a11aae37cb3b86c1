"""A project under way with all that its people do to it, one method a thing; each checks what it has done to the rest."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seedpipe.money import Money
from tests.mixed.drawn import DRAFT, Drawn, Own, asked_by
from tests.mixed.side import AUTO, Side
from tests.sessions.conftest import Account
from tests.support.inside import InsideWorkspace
from tests.support.workspace import Ran, Workspace

TODAY, TOMORROW = "seedream-4-0-250828", "seedream-4-0-261201"
PRICES = {TODAY: Money.parse("0.03 USD"), TOMORROW: Money.parse("0.05 USD")}
TINY = f"""
models:
  {TODAY}:
    pixels: {{min: 4096, max: 16777216}}
    sizes: {{1K: {{1:1: 96x96}}, 2K: {{1:1: 128x128}}}}
"""
NEXT = f"""
models:
  {TODAY}: {{aliases: [seedream-4-0-of-old]}}
  {TOMORROW}:
    like: {TODAY}
    title: Seedream 4.0 of December
    released: 2026-12-01
    aliases: [seedream-4-0]
providers:
  apiyi:
    models:
      {TOMORROW}: {{wire: {TOMORROW}, price: {{image: 0.05 USD, date: 2026-12-02, source: me}}}}
"""
HARMLESS = ("unavailable", "json-for-stream", "previews", "fewer")
STUCK = {"unknown", "missing", "edited", "blocked", "failed", "waits"}
SAYS_NOTHING = {"drop-before-billing", "drop-after-billing", "truncated-body", "cut-stream", "gone", "item-error"}


@dataclass
class Shop:
    """`live` goes through a relay that does not say that an emulator is behind it; else all of it are proofs."""

    folder: Path
    account: Account
    drawn: Drawn
    live: str | None  # the relay's address
    catalogue: Sequence[Path]  # of today, then what tomorrow adds
    kind: type[Workspace] = InsideWorkspace
    sides: dict[str | None, Side] = field(default_factory=dict)
    asked: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # take of an image → `asked_by` its prompt
    sent: int = 0
    brought: int = 0  # files that people brought

    def __post_init__(self) -> None:
        base_url = self.live or self.account.service.base_url
        self.work = self.kind(
            self.folder / "work",
            **self.account.environ | {"SEEDPIPE_BASE_URL": base_url},
            HOME=str(self.folder / "home"),
            SEEDPIPE_HOME=str(self.folder / "home/seedpipe"),
            XDG_CONFIG_HOME=str(self.folder / "home/config"),
            GIT_AUTHOR_NAME="Mika Ito",
            GIT_AUTHOR_EMAIL="mika@example.com",
        )
        (self.folder / "home/config/seedpipe").mkdir(parents=True)
        self.at_the_time_of(self.catalogue[:1])
        locks = self.work.folder if self.live else self.work.folder / ".seedpipe/proof"
        for profile, name in ((None, "seedpipe"), (DRAFT, f"seedpipe.{DRAFT}")):
            self.sides[profile] = Side(
                lock=locks / f"{name}.lock",
                record=locks / f"{name}.decisions.jsonl",
                own=lambda address, profile=profile: self._own(address, profile),  # type: ignore[misc]
                is_there=lambda address: address in self.drawn.by_address(),
                look_of=self._look_of,
            )
        self.drawn.write(self.work.folder)

    def at_the_time_of(self, catalogue: Sequence[Path]) -> None:
        names = ", ".join(map(str, catalogue))
        self.alias = TODAY if len(catalogue) == 1 else TOMORROW
        (self.folder / "home/config/seedpipe/config.yaml").write_text(f"catalogue: [{names}]\n")

    def _own(self, address: str, profile: str | None) -> Own | None:
        """What is asked in a picture's own name: its words, its sources, and the model that the lock means by the alias."""
        if address not in self.drawn.bought:
            return None
        model = self.sides[profile].lines.get("@resolved/model/seedream-4-0", self.alias)
        own = self.drawn.own(address)
        return Own((*own.shared, profile, model), own.looks)

    def _look_of(self, address: str, take: str) -> int | None:
        """What a take looks like that was bought for what is asked now; None: nobody knows, or it was for other words."""
        entry, _ = self.drawn.by_address()[address]
        number, words, look = self.asked.get(take, (None, 0, 0))
        return look if (number, words) == (entry.number, entry.words) else None

    # Running

    def flags(self, profile: str | None) -> list[str]:
        return [*([] if self.live else ["--proof"]), *(["--profile", profile] if profile else [])]

    @property
    def moved(self) -> Mapping[str, str]:
        return {old: self.drawn.entries[number].name for old, number in self.drawn.moved.items()}

    def others_stay(self, profile: str | None) -> None:
        for name, side in self.sides.items():
            if name != profile:
                side.nothing_happened()

    def nothing_was_sent(self) -> None:
        assert len(self.account.requests) == self.sent, "only builds and rerolls send anything"

    # Buying

    def plan(self, *arguments: str) -> Any:
        ran = self.work.run("plan", "--json", *arguments)
        assert ran.code in (0, 3), ran.err
        return ran.json

    def build(
        self,
        profile: str | None = None,
        *,
        targets: Sequence[str] = (),
        flags: Sequence[str] = (),
        faults: Sequence[dict[str, Any]] = (),
        saved: bool = False,
    ) -> None:
        """Plans and builds, and holds the one against the bill of the other."""
        side, asked = self.sides[profile], [*targets, *flags, *self.flags(profile)]
        plan = self.plan(*asked, *(["-o", "p.json"] if saved else []))
        levels = side.levels(self.moved)
        wanted = ["--plan", "p.json"] if saved else [one for one in asked if one != "--proof"]
        ran = self._buying("build", *wanted, faults=faults)
        side.bought(named=self._named(targets), moved=self.moved)
        self.others_stay(profile)
        sent = self._kept_to(plan, ran, faults, unsure="--retry-unknown" in flags)
        if "--through-gates" not in flags:
            self._gates_held(sent, levels)
        if ran.code == 0 and not {node["state"] for node in plan["nodes"]} & STUCK:
            after = self.plan(*asked)
            assert (after["pictures"], after["changes"]) == (0, False), after
            assert self._buying("build", *[one for one in asked if one != "--proof"]).code == 0
            self.nothing_was_sent()
            side.nothing_happened()

    def reroll(
        self,
        address: str,
        profile: str | None = None,
        *,
        more: int = 1,
        whole: bool = False,
        look: int | None = None,
        faults: Sequence[dict[str, Any]] = (),
    ) -> None:
        side, flags = self.sides[profile], [one for one in self.flags(profile) if one != "--proof"]
        target = address.partition("#")[0] if whole else address
        together = whole and "#" in address
        about = self._named([target])
        levels = side.levels(self.moved)
        how = ["--whole"] if together else ["-n", str(more)]
        looks = list(self.drawn.by_address()[address][0].looks)
        if looks and look is not None:
            how += ["--look", looks[look % len(looks)]]
        ran = self._buying("reroll", target, *how, *flags, "--json", faults=faults)
        if not ran.out:
            assert ran.code in (1, 2, 75), ran.err
            self.nothing_was_sent()
            return
        new = side.decided("reroll", about=about, moved=self.moved, bought=True)
        self.others_stay(profile)
        assert all(levels.get(one["node"], AUTO) == AUTO for one in new), "somebody had chosen there"
        self._kept_to(ran.json["plan"], ran, faults)

    def _buying(self, *arguments: str, faults: Sequence[dict[str, Any]] = ()) -> Ran:
        self.nothing_was_sent()
        self.account.faults(*faults)
        try:
            return self.work.run(*arguments, *(["--yes", "--max-cost", "90"] if self.live else []))
        finally:
            self.account.faults()
            for request in self.account.requests[self.sent :]:
                if (asked := asked_by(request["prompt"])) is not None:
                    came = [image["sha256"] for image in request["images"] if "sha256" in image]
                    self.asked |= {f"sha256:{digest}": asked for digest in came}

    def _kept_to(
        self, plan: Any, ran: Ran, faults: Sequence[dict[str, Any]], *, unsure: bool = False
    ) -> Sequence[dict[str, Any]]:
        """Nothing beyond the plan was sent or billed, and what was paid is kept."""
        assert ran.code in (0, 1, 5, 75), ran.err
        requests = self.account.requests
        sent, self.sent = requests[self.sent :], len(requests)
        cost, pictures = Money.zero("USD"), 0
        for request in sent:
            cost += PRICES[request["wire_id"]] * request["billed_images"]
            pictures += request["billed_images"]
        low, high = (Money.parse(plan["cost"][name]) for name in ("low", "high"))
        assert cost <= high, f"{cost} was billed, {high} at most was planned\n{ran.err}"
        assert pictures <= plan["pictures"]
        told = {address for request in sent for address in self.drawn.named_in(request["prompt"])}
        planned = {node["address"] for node in plan["nodes"] if node["pictures"]}
        planned |= {f"{address.partition('#')[0]}#*" for address in planned if "#" in address}
        assert told <= planned, f"{told - planned} was sent and is not in the plan\n{ran.err}"
        if all(fault["do"] in HARMLESS for fault in faults):
            assert cost >= low, f"{cost} was billed, {low} at least was planned\n{ran.err}"
        self._kept(sent)
        return sent

    def _kept(self, sent: Sequence[dict[str, Any]]) -> None:
        there = self.store()
        for request in sent:
            if SAYS_NOTHING & set(request["faults"]):
                continue
            for image in request["images"]:
                assert not image["billed"] or image["sha256"] in there, f"{request['prompt']} was paid and is not kept"

    def _gates_held(self, sent: Sequence[dict[str, Any]], levels: Mapping[str, str]) -> None:
        for request in sent:
            for address in self.drawn.named_in(request["prompt"]):
                assert not self.drawn.closed(address, levels), f"{address} was bought before its gate was open"

    def _named(self, targets: Collection[str]) -> set[str]:
        """All pictures that are written down: a sequence means its frames."""
        named = set()
        for target in (one.strip("+") for one in targets):
            named |= {one for one in self.drawn.by_address() if one == target or one.startswith(f"{target}#")}
        return named

    def store(self) -> set[str]:
        blobs = (self.folder / "home").rglob("store/sha256/*/*")
        return {path.parent.name + path.name for path in blobs}
