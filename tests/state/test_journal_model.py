"""Random legal and illegal calls against a model that is written down independently of the journal's tables."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from seedpipe.money import Money
from seedpipe.state.caps import CapReached
from seedpipe.state.claims import Outcome
from seedpipe.state.requests import AlreadyKept, Claimed, ClaimedElsewhere, HeldUnknown, IllegalMoveError
from seedpipe.state.spent import Scope
from tests.state.conftest import MEMORY
from tests.state.journals import PRICE, Clock, begin, cap, intent, locate, open_journal, picture

ACTIVE = ("intended", "sent", "located", "kept")
LIMIT = cap("0.60 USD")
FREE = ("refused", "released")
INDEXES = st.integers(min_value=0, max_value=2)


@dataclass
class Model:
    name: str
    ordinal: int
    images: int
    owner: int
    state: str = "intended"
    located: set[int] = field(default_factory=set)
    kept: set[int] = field(default_factory=set)
    charge: int = 0
    resolved: bool = False

    @property
    def reserved(self) -> int:
        return self.images if self.state in (*ACTIVE, "unknown") else 0


class JournalMachine(RuleBasedStateMachine):
    """Money is counted in pictures: each costs 0.04."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.clock = Clock()
        self.model: dict[str, Model] = {}

    @initialize()
    def open(self) -> None:
        self.journals = [open_journal(self.folder, self.clock) for _ in range(2)]
        self.runs = [begin(journal) for journal in self.journals]

    def teardown(self) -> None:
        for journal in getattr(self, "journals", ()):
            journal.close()
        shutil.rmtree(self.folder)

    def _attempt(self, legal: bool, call: object, *arguments: object, **named: object) -> None:
        try:
            call(*arguments, **named)  # type: ignore[operator]
        except IllegalMoveError:
            assert not legal, "a legal move was refused"
        else:
            assert legal, "an illegal move was made"

    @rule(
        target=ids,
        who=st.integers(0, 1),
        name=st.sampled_from("ab"),
        ordinal=st.integers(1, 2),
        images=st.integers(1, 3),
        despite=st.booleans(),
    )
    def intend(self, who: int, name: str, ordinal: int, images: int, despite: bool) -> object:
        asked = intent(self.runs[who], name, ordinal=ordinal, images=images, despite_unknown=despite)
        outcome = self.journals[who].intend(asked, (LIMIT,))
        assert type(outcome) is self._expected(name, ordinal, images, despite)
        if not isinstance(outcome, Claimed):
            return multiple()
        self.model[outcome.id] = Model(name, ordinal, images, who)
        return outcome.id

    def _expected(self, name: str, ordinal: int, images: int, despite: bool) -> type[Outcome]:
        same = [one for one in self.model.values() if (one.name, one.ordinal) == (name, ordinal)]
        if any(one.state in ACTIVE for one in same):
            return ClaimedElsewhere
        if any(one.state == "settled" and one.kept for one in same):
            return AlreadyKept
        if any(one.state == "unknown" for one in same) and not despite:
            return HeldUnknown
        used = sum(one.reserved + one.charge for one in self.model.values())
        return CapReached if used + images > 15 else Claimed

    @rule(target=ids, name=st.sampled_from("abc"), images=st.integers(1, 3))
    def intend_and_send(self, name: str, images: int) -> object:
        ordinal = self.journals[1].next_ordinal(intent("", name).request_key)
        taken = [one.ordinal for one in self.model.values() if one.name == name and one.state not in FREE]
        assert ordinal == max(taken, default=0) + 1
        id_ = self.intend(1, name, ordinal, images, False)
        if isinstance(id_, str):
            self.sent(id_)
        return id_

    @rule(id_=ids)
    def sent(self, id_: str) -> None:
        one = self.model[id_]
        self._attempt(one.state == "intended", self.journals[0].sent, id_)
        one.state = "sent" if one.state == "intended" else one.state

    @rule(id_=ids, index=INDEXES)
    def located(self, id_: str, index: int) -> None:
        one = self.model[id_]
        legal = one.state in ("sent", "located", "kept", "unknown")
        self._attempt(legal, locate, self.journals[1], id_, index, f"https://x/{index}")
        if legal:
            one.located.add(index)
            one.state = "located" if one.state == "sent" else one.state

    @rule(id_=ids, index=INDEXES)
    def kept(self, id_: str, index: int) -> None:
        one = self.model[id_]
        legal = one.state in ("sent", "located", "kept", "unknown") or index in one.kept
        self._attempt(legal, self.journals[0].kept, id_, index, picture(f"{id_}{index}"))
        if legal and index not in one.kept:
            one.kept.add(index)
            one.state = "kept" if one.state != "unknown" else one.state

    @rule(id_=ids)
    def settled(self, id_: str) -> None:
        one = self.model[id_]
        arrived = one.located <= one.kept or one.state == "unknown"
        legal = one.state in ("sent", "located", "kept", "unknown") and arrived
        self._attempt(legal, self.journals[1].settled, id_, PRICE * len(one.kept))
        if legal:
            one.state, one.charge = "settled", len(one.kept)

    @rule(id_=ids)
    def conclude(self, id_: str) -> None:
        one = self.model[id_]
        legal = one.state in ("sent", "located", "kept", "unknown") and one.located <= one.kept
        self._attempt(legal, self.journals[0].conclude, id_)
        if legal:
            self._conclude(one)

    def _conclude(self, one: Model) -> None:
        if len(one.kept) >= one.images:
            one.state, one.charge = "settled", len(one.kept)
        else:
            one.state = "unknown"

    @rule(id_=ids)
    def refused(self, id_: str) -> None:
        one = self.model[id_]
        legal = one.state in ("sent", "unknown")
        self._attempt(legal, self.journals[0].refused, id_, code="c", message="m", verdict="failed")
        one.state = "refused" if legal else one.state

    @rule(id_=ids)
    def released(self, id_: str) -> None:
        one = self.model[id_]
        legal = one.state in ("intended", "sent")
        self._attempt(legal, self.journals[0].released, id_, "stopped")
        one.state = "released" if legal else one.state

    @rule(id_=ids)
    def unknown(self, id_: str) -> None:
        one = self.model[id_]
        legal = one.state in ("sent", "located", "kept", "unknown")
        self._attempt(legal, self.journals[1].unknown, id_, "cut")
        one.state = "unknown" if legal else one.state

    @rule(id_=ids, paid=st.booleans())
    def resolve(self, id_: str, paid: bool) -> None:
        one = self.model[id_]
        legal = one.state == "unknown" or one.resolved
        self._attempt(legal, self.journals[0].resolve, id_, paid=paid, who="ada")
        if not legal:
            return
        one.resolved = True
        if paid or one.kept:
            one.state = "settled"
            one.charge = max(one.images, len(one.kept)) if paid else len(one.kept)
        else:
            one.state, one.charge = "released", 0

    @rule(id_=ids)
    def take_back(self, id_: str) -> None:
        one = self.model[id_]
        self._attempt(one.resolved, self.journals[1].take_back, id_, who="ada")
        if one.resolved:
            one.state, one.charge, one.resolved = "unknown", 0, False

    @rule(who=st.integers(0, 1))
    def die_and_recover(self, who: int) -> None:
        self.journals[who].close()
        self.journals[who] = open_journal(self.folder, self.clock)
        self.runs[who] = begin(self.journals[who])
        fetched = {fetch.request.id for fetch in self.journals[1 - who].recover().to_fetch}
        for id_, one in self.model.items():
            if one.owner != who or one.state not in ACTIVE:
                continue
            if one.located - one.kept:
                assert id_ in fetched
                one.owner = 1 - who
            elif one.state == "intended":
                one.state = "released"
            elif one.state == "sent":
                one.state = "unknown"
            else:
                self._conclude(one)

    @invariant()
    def the_journal_agrees(self) -> None:
        if not hasattr(self, "journals"):
            return
        journal = self.journals[0]
        for id_, one in self.model.items():
            assert journal.request(id_).state.value == one.state
        spent = journal.spent(Scope(), "USD")
        values = self.model.values()
        unknown = [one for one in values if one.state == "unknown"]
        certain = sum(min(one.reserved, len(one.kept)) for one in unknown)
        assert spent.charged == PRICE * (sum(one.charge for one in values) + certain)
        assert spent.open == PRICE * sum(one.reserved for one in values if one.state != "unknown")
        assert spent.uncertain == PRICE * (sum(one.reserved for one in unknown) - certain)
        assert len(journal.arrivals()) == sum(len(one.kept) for one in values)
        by_node = [journal.spent(Scope(address=name), "USD").charged for name in "abc"]
        assert sum(by_node, Money.zero("USD")) == spent.charged


TestJournal = JournalMachine.TestCase
TestJournal.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
