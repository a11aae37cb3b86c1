"""One kill from end to end: a build dies, the next one goes on, and the emulator's bill is compared with what is kept."""

import json
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from seedpipe.money import Money
from seedpipe.state.caps import Scope
from seedpipe.state.journal import Journal
from seedpipe.state.requests import Request, RequestState
from seedpipe.state.store import Store
from tests.sessions.conftest import Account
from tests.support.kill import Kill, confirmed_in, steps_in
from tests.support.workspace import Ran, Workspace

PRICE: Final = Money.parse("0.03 USD")
PICTURES: Final = 8
MANIFEST: Final = """\
seedpipe: 1
project: crash
provider: byteplus
defaults: {model: seedream-3-0-t2i, size: 512x512}
images:
  lamp: {prompt: "The lamp alone WORD"}
  desk: {model: seedream-4-0, size: 1K, prompt: "A desk with {{ refs.lamp }} WORD", references: {lamp: lamp}}
  mug: {prompt: "A mug WORD", takes: 2}
  cup: {prompt: "A cup WORD", response_format: b64_json}
  board:
    model: seedream-4-0
    size: 1K
    prompt: "The workshop WORD"
    sequence: {frames: [{id: dawn, prompt: Dawn}, {id: noon, prompt: Noon}, {id: dusk, prompt: Dusk}]}
  crop: {from: "board#dawn", steps: [{resize: 64x}, {convert: jpeg}]}
"""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one kill came to. Numbers of pictures; `unarrived` were paid and had not arrived when it struck."""

    kill: str
    step: str
    struck: bool  # False: the build was over before
    billed: int
    kept: int
    unarrived: int
    held: int  # requests of unknown outcome after recovery
    double: int
    bought_again: int  # by `--retry-unknown`, which says that it may


@dataclass(frozen=True)
class Scene:
    """A project, the account that pays for it, and the folder of its precious state."""

    workspace: Workspace
    account: Account
    home: Path

    @property
    def state(self) -> Path:
        """Ledger, store and index. A second one would not know what the first paid."""
        (found,) = self.home.glob("projects/*/proof")
        return found

    @property
    def log(self) -> Path:
        """What the processes that die write down (`support.kill`)."""
        return self.home.parent / "log"

    def write(self, word: str = "in daylight", *, named: bool = True) -> None:
        """The manifest; `word` stands in every prompt, and a project without a name gets a random one."""
        text = MANIFEST if named else MANIFEST.replace("project: crash\n", "")
        self.workspace.write("seedpipe.yaml", text.replace("WORD", word))

    def build(self, *flags: str) -> Ran:
        return self.workspace.run("build", "-j", "4", *flags)

    def bill(self) -> list[dict[str, Any]]:
        """Every request of the account, once the emulator is done with all of them."""
        until = time.monotonic() + 30
        while True:
            found = self.account.requests
            if not any(one["outcome"] == "running" for one in found):
                return found
            assert time.monotonic() < until, "the emulator is not done"
            time.sleep(0.02)

    def sent(self) -> set[str]:
        """Our names for all that was sent; the emulator may come to the last of what a dead build sent much later."""
        found = set()
        for path in self.home.glob("projects/*/proof/journal.sqlite"):
            with closing(Journal.open(path, account="proof")) as journal:
                found |= {row.request.client_request_id for row in journal.spend_rows()}
        return found

    def stored(self) -> set[str]:
        store = Store(self.state / "store")
        return {digest.hex for digest in store.digests() if store.read(digest)}


def survive(scene: Scene, *kills: Kill) -> Verdict:
    """Builds, dies (once for each kill), builds again; asserts that nothing arrived is lost or paid twice, and that
    the rest is said. Then a person's word brings what is held."""
    struck = False
    for kill in kills:
        ran = scene.workspace.run_watched(scene.log, kill, "build", "-j", "4")
        struck = struck or ran.code == -signal.SIGKILL
        assert ran.code in (-signal.SIGKILL, 0, 75), ran.err
    plan = scene.workspace.run("plan", "--json").json
    sent = scene.sent()
    again = scene.build()
    money = money_of(scene)
    assert again.code == (75 if money.unknown else 0), again.err
    _the_plan_was_true(plan, [one for one in scene.bill() if one["client_request_id"] not in sent], again)
    if money.unknown:
        assert "may have cost" in again.err, again.err
    bought_again = _finish(scene, before=len(money.billed), unknown=money.unknown)
    return Verdict(
        kill=", then ".join(str(kill) for kill in kills),
        step=kills[-1].step if not kills[-1].seconds else "at random",
        struck=struck,
        billed=len(money.billed),
        kept=len(money.billed) - len(money.lost),
        unarrived=len(money.lost),
        held=len(money.unknown),
        double=max(0, len(money.billed) - PICTURES),
        bought_again=bought_again,
    )


def _the_plan_was_true(plan: Mapping[str, Any], bought: Sequence[dict[str, Any]], ran: Ran) -> None:
    """The plan says what the next build costs, whatever died before."""
    cost = PRICE * sum(one["billed_images"] for one in bought)
    if Money.parse(plan["cost"]["expected"]) != cost:
        nodes = [(node["address"], node["state"], node["cost"]) for node in plan["nodes"]]
        requests = [(one["prompt"], one["outcome"], one["billed_images"], one["at"]) for one in bought]
        raise AssertionError(f"planned {plan['cost']}, billed {cost}\n{nodes}\n{requests}\n{ran.out}\n{ran.err}")


@dataclass(frozen=True, kw_only=True)
class Paid:
    """The emulator's bill beside what is kept: billed pictures, those of them that are not kept, held requests."""

    billed: Sequence[dict[str, Any]]
    lost: Sequence[dict[str, Any]]
    unknown: Sequence[Request]


def money_of(scene: Scene) -> Paid:
    """Asserts, after a recovery, that every cent of the bill is where it should be."""
    bill = scene.bill()
    billed = images_of(bill)
    stored = scene.stored()
    _nothing_twice(bill)
    _nothing_arrived_is_lost(scene.log, billed, stored)
    unknown = _the_journal_agrees(scene, bill, stored)
    return Paid(billed=billed, lost=[one for one in billed if one["sha256"] not in stored], unknown=unknown)


def images_of(bill: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [image for request in bill for image in request["images"] if image["billed"]]


def _nothing_twice(bill: Sequence[dict[str, Any]]) -> None:
    """Each request of the project went out once: no words twice, but for the two takes of the mug."""
    refused = ("refused", "failed")
    sent = Counter((one["prompt_sha256"], one["prompt"]) for one in bill if not one["outcome"].startswith(refused))
    for (_, prompt), times in sent.items():
        assert times <= (2 if prompt.startswith("A mug") else 1), f"{prompt} was asked for {times} times"


def _nothing_arrived_is_lost(log: Path, billed: Sequence[dict[str, Any]], stored: set[str]) -> None:
    """What the journal had confirmed before the kill is there after it; an address counts, it is fetched again."""
    located, kept = confirmed_in(log)
    paths = {urlsplit(url).path.lstrip("/") for url in located}
    assert kept <= stored, "a kept picture is gone"
    for image in billed:
        assert image["sha256"] in stored or image["path"] not in paths, "a located picture was not fetched again"


def _the_journal_agrees(scene: Scene, bill: Sequence[dict[str, Any]], stored: set[str]) -> list[Request]:
    """Charged is what is kept; what was paid and isn't kept is held, at no less than it cost. Returns the held."""
    sent = {one["client_request_id"]: one for one in bill}
    with closing(Journal.open(scene.state / "journal.sqlite", account="proof")) as journal:
        requests = journal.spend_rows()
        spent = journal.spent(Scope(), PRICE.currency)
        unknown = list(journal.unknowns())
        arrivals = {take.digest.hex for take in journal.arrivals()}
    assert arrivals == {digest for digest in stored if digest in arrivals}, "the journal names bytes that are not there"
    paid = {request_id: len(images_of([one])) for request_id, one in sent.items()}
    known = {row.request.client_request_id for row in requests}
    for request_id, pictures in paid.items():
        assert request_id in known or not pictures, "the journal does not know of a paid request"
    for row in requests:
        request, cost = row.request, PRICE * paid.get(row.request.client_request_id, 0)
        assert request.state in (RequestState.SETTLED, RequestState.UNKNOWN), f"{request.address} was left open"
        if request.state is RequestState.SETTLED:
            assert request.charge == cost, f"{request.address}: {request.charge} is written down, {cost} was billed"
        else:
            assert request.reserved >= cost, f"{request.address}: less is held than was billed"
    assert spent.charged + spent.uncertain >= PRICE * len(images_of(bill))
    assert spent.open == Money.zero(PRICE.currency)
    return unknown


def _finish(scene: Scene, *, before: int, unknown: Sequence[Request]) -> int:
    """A person's word brings the rest; then nothing is left to do. Returns how many pictures that bought."""
    if unknown:
        retried = scene.build("--retry-unknown")
        assert retried.code == 0, retried.err
    bought = len(images_of(scene.bill())) - before
    states = scene.workspace.plan()
    assert set(states.values()) == {"cached"}, states
    outputs = [path for path in (scene.workspace.folder / "build/@proof").rglob("*.*") if path.is_file()]
    assert len(outputs) == len(states), outputs
    leftovers = [path for path in scene.workspace.folder.rglob("*") if ".tmp" in path.name]
    assert not leftovers, leftovers
    return bought


def count_steps(scene: Scene) -> dict[str, int]:
    """How often a whole build does each step."""
    ran = scene.workspace.run_watched(scene.log, None, "build", "-j", "4")
    assert ran.code == 0, ran.err
    return steps_in(scene.log)


def summary(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Sums of a campaign, all and by step."""
    struck = [verdict for verdict in verdicts if verdict.struck]
    numbers = ("billed", "kept", "unarrived", "held", "double", "bought_again")

    def sums(some: Sequence[Verdict]) -> dict[str, int]:
        return {"kills": len(some), **{name: sum(asdict(one)[name] for one in some) for name in numbers}}

    steps = dict.fromkeys(one.step for one in struck)
    return {
        "benchmark": "builds killed with SIGKILL, and what the next build makes of it",
        "all": sums(struck),
        "lost_though_arrived": 0,  # each kill asserts it
        "by_step": {step: sums([one for one in struck if one.step == step]) for step in steps},
    }


def write_summary(path: Path, verdicts: Sequence[Verdict]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(summary(verdicts), indent=2) + "\n", encoding="utf-8")
