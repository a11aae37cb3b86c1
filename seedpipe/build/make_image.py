"""Paid pictures: what is at hand is used, what is missing is ordered, the lock says which one is chosen."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from seedpipe.build.make_frames import FrameBuyer
from seedpipe.build.order import FETCH_AGAIN_HINT, NotBought, WantedPicture, not_kept
from seedpipe.build.orders import OrderMaker
from seedpipe.build.pictures import Pictures
from seedpipe.build.purchase import Buyer
from seedpipe.build.report import NodeError, Report
from seedpipe.canonical import canonical_json, digest_of
from seedpipe.catalogue.sizes import parse_pixels
from seedpipe.manifest.node import FrameNode, ImageNode, SourceNode
from seedpipe.names import Digest
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import own_key, remembered_document, request_document
from seedpipe.plan.plan import PlanNode, State
from seedpipe.plan.reasons import SizeDiffers
from seedpipe.plan.resolve import Resolver
from seedpipe.plan.sizes import SizeRule, fit_of
from seedpipe.state.lock import ImageEntry, Level, Made
from seedpipe.state.lockfile import LockWriter
from seedpipe.state.requests import DEFINITE
from seedpipe.state.take import Take
from seedpipe.state.takes import Takes

_ON_PURPOSE = (State.PINNED, State.STALE)
_STAYS = (State.CACHED, State.FETCH, *_ON_PURPOSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Want:
    """One node's request, now that its references are there. `entry` is what the lock says of the node."""

    node: ImageNode | FrameNode
    planned: PlanNode
    document: Mapping[str, object]
    references: Sequence[Digest]
    entry: ImageEntry | None
    rule: SizeRule
    key: Digest = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", digest_of(self.document))

    @property
    def chosen_before(self) -> ImageEntry | None:
        """The lock's entry, if its picture was made for this very want."""
        return self.entry if self.entry is not None and self.entry.want == self.key else None

    @property
    def known(self) -> Sequence[Digest]:
        """Pictures of the node that its output file may hold."""
        if self.entry is None:
            return ()
        return (self.entry.take, *self.entry.takes, *([self.entry.output] if self.entry.output else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMaker:
    """Orders no more than the plan says."""

    graph: Graph
    resolver: Resolver
    pictures: Pictures
    takes: Takes
    lock: LockWriter
    buyer: Buyer
    orders: OrderMaker
    frames: FrameBuyer
    report: Report

    async def make(self, node: ImageNode | FrameNode) -> None:
        """Raises `NodeError` if there is no picture in the end."""
        want = self._want(node)
        if want.planned.rolls:
            await self._roll(want)
            return
        if want.planned.taken is not None and (want.planned.state in _STAYS or want.planned.state.needs_a_person):
            await self._put_again(want, want.planned.taken)
            return
        await self._bring_in_chosen(want)
        have = await asyncio.to_thread(self.frames.at_hand, want.key)
        bought, failures = await self._buy(want, have)
        # In the index's order, not in that of the requests: whoever builds after a crash, or beside this, chooses by it.
        have = await asyncio.to_thread(self.frames.at_hand, want.key) if bought else have
        takes = [*have, *(take for take in bought if take.digest not in {old.digest for old in have})]
        chosen = self._choice(want, takes)
        if chosen is None and not takes and want.planned.state is State.FETCH:
            raise node_error(not_kept("its address could not be reached", FETCH_AGAIN_HINT))
        if chosen is None and not takes:
            if failures and failures[0].outcome == "absent":
                await self._take_away(want)
            raise node_error(failures[0] if failures else None)
        if chosen is not None:
            self._say_sizes(want, bought)
            await self._choose(want, chosen, takes)
            made = any(take.digest in self.report.result.received for take in takes)  # and not by another build
            self.report.done(node.address, "made" if made else "cached", chosen, want.planned.output)
        for failure in failures:
            if failure.outcome != "stopped":
                self.report.failed(node.address, node_error(failure))
        if chosen is None:
            raise _wrong_size(node.address, want.rule, takes[0])

    async def _take_away(self, want: _Want) -> None:
        """The file of a picture that there is no longer: fewer came this time. Its take stays, and so does a person's word."""
        if want.entry is not None and want.entry.level is Level.AUTO:
            removed = await asyncio.to_thread(self.pictures.take_away, want.node.address, want.entry.take, want.known)
            if removed is not None:
                self.report.notice(want.node.address, f"there is no such picture any more: {removed} is taken away")

    def _want(self, node: ImageNode | FrameNode) -> _Want:
        references = [self.pictures.of(reference.address) for reference in node.references]
        entry = self.lock.entry(node.address)
        asked = self.resolver.asked(node)
        return _Want(
            node=node,
            planned=self.pictures.plan.nodes[node.address],
            document=request_document(asked, [item.identity for item in references]),
            references=[item.digest for item in references],
            entry=entry if isinstance(entry, ImageEntry) else None,
            rule=self.resolver.size_rule(node, asked),
        )

    async def _bring_in_chosen(self, want: _Want) -> None:
        """What was awaited came out as it was, so its choice holds again: if its bytes are nowhere, nothing is bought."""
        before = want.chosen_before
        if before is not None and not await self.pictures.bring_in(want.planned, before.take):
            raise NodeError("missing", "bytes-missing", f"the chosen picture {before.take.short} is gone")

    # Buying

    async def _buy(self, want: _Want, have: Sequence[Take]) -> tuple[Sequence[Take], Sequence[NotBought]]:
        """What is missing; never more than the plan says."""
        before = want.chosen_before
        known = {*(before.takes if before else ()), *(take.digest for take in have)}
        missing = min(want.planned.pictures, max(0, want.node.takes - len(known)))
        if isinstance(want.node, FrameNode):
            outcome = await self.frames.buy(want.node) if missing else None
            took = (outcome,) if isinstance(outcome, Take) else ()
            return took, (outcome,) if isinstance(outcome, NotBought) else ()
        at_the_provider = await asyncio.to_thread(self.buyer.journal.located_ordinals, want.key) if missing else ()
        there = {*(take.ordinal for take in have), *at_the_provider}
        ordinals = [ordinal for ordinal in range(1, want.node.takes + 1) if ordinal not in there]
        if missing < len(ordinals):  # a take that was refused is the last to be sent again
            refused = await asyncio.to_thread(self.buyer.journal.refused_ordinals, want.key, verdicts=DEFINITE)
            ordinals.sort(key=lambda ordinal: (ordinal in refused, ordinal))
        return await self._buy_takes(want, want.node, ordinals[:missing])

    async def _buy_takes(
        self, want: _Want, node: ImageNode, ordinals: Sequence[int], *, anew: bool = False
    ) -> tuple[Sequence[Take], Sequence[NotBought]]:
        """All at once, each awaited to its end whatever becomes of the others: they are paid."""
        if not ordinals:
            return (), ()
        picture = WantedPicture(address=node.address, want=want.key, document=canonical_json(want.document))
        addresses = [reference.address for reference in node.references]
        references = list(zip(addresses, want.references, strict=True))
        asked = self.resolver.asked(node)
        orders = [
            self.orders.order(node, asked, want.document, references, (picture,), ordinal=ordinal, anew=anew)
            for ordinal in ordinals
        ]
        self.report.started(node.address, "request")
        outcomes = await asyncio.gather(*(self.buyer.buy(order) for order in orders), return_exceptions=True)
        bought: list[Take] = []
        failures: list[NotBought] = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            bought += outcome.takes.values()
            failures += outcome.missing.values()
        return bought, failures

    async def _buy_more(self, want: _Want) -> tuple[Sequence[Take], Sequence[NotBought]]:
        """Beside all that there are: the ordinals begin behind every one that was ever bought, or may have been."""
        if isinstance(want.node, FrameNode):
            outcomes = await self.frames.buy_more(want.node, want.planned.pictures)
            takes = [one for one in outcomes if isinstance(one, Take)]
            return takes, [one for one in outcomes if isinstance(one, NotBought)]
        first = await asyncio.to_thread(self.buyer.journal.next_ordinal, want.key)
        return await self._buy_takes(want, want.node, range(first, first + want.planned.pictures), anew=True)

    async def _roll(self, want: _Want) -> None:
        """More takes. A choice that there is stays: whether a new take replaces it is decided afterwards, on record."""
        address, entry = want.node.address, want.entry
        bought, failures = await self._buy_more(want) if want.planned.pictures else ((), ())
        have = await asyncio.to_thread(self.frames.at_hand, want.key)
        shown = next((take.digest for take in bought), None)
        if entry is not None:
            shown = shown or entry.take
            await self.pictures.bring_in(want.planned, entry.take)
            self.pictures.came(address, str(entry.take), entry.take)
            if entry.want == want.key:
                self.lock.set(address, replace(entry, takes=_joined(entry.takes, have)))
        elif (chosen := self._choice(want, have)) is not None:
            shown = shown or chosen
            await self._choose(want, chosen, have)
        self._say_sizes(want, bought)
        if shown is not None and (bought or not failures):
            output = want.planned.output if entry is None else None  # of a choice that stays, so does the file
            self.report.done(address, "made" if bought else "cached", shown, output)
        elif failures:
            raise node_error(failures[0])
        for failure in failures:
            if failure.outcome != "stopped":
                self.report.failed(address, node_error(failure))

    # Choosing

    def _choice(self, want: _Want, takes: Sequence[Take]) -> Digest | None:
        """What is chosen for this very want, else the first picture that `on_size_mismatch` lets be chosen."""
        before = want.chosen_before
        right = next((take.digest for take in takes if not want.rule.refuses((take.width, take.height))), None)
        if before is None:
            return right
        refused = before.level is Level.AUTO and want.rule.refuses(parse_pixels(before.made.size))
        return right if refused else before.take

    def _say_sizes(self, want: _Want, bought: Sequence[Take]) -> None:
        """What was decoded is the truth; that it isn't what was asked is worth a line."""
        for take in bought:
            came = (take.width, take.height)
            if want.rule.differs(came):
                fit = want.rule.fit(came)
                what = "the picture is kept as it is"
                if want.rule.refuses(came):
                    what = "it is kept as a take and not chosen"
                elif fit is not None:
                    what = f"its file is cut to {fit} here"
                asked = f"{want.rule.asked.text} was asked for and {take.width}x{take.height} came"
                self.report.notice(want.node.address, f"{asked}; {what}")

    async def _choose(self, want: _Want, chosen: Digest, takes: Sequence[Take]) -> None:
        """The lock's new line. A present choice for the same want keeps its level; only the list of takes grows."""
        address, before = want.node.address, want.chosen_before
        self.pictures.came(address, str(chosen), chosen)
        take = next((take for take in takes if take.digest == chosen), None)
        stays = before is not None and before.take == chosen
        made = before.made if before and stays else Made.of(take) if take else None
        fit = None if made is None else want.rule.fit(parse_pixels(made.size))
        known = [*want.known, *(take.digest for take in takes)]
        file = await self.pictures.put(address, chosen, known, fit=fit)
        if made is None:
            return  # its record is lost: the bytes and the file are right, the lock keeps what it says
        listed = dict.fromkeys([*(before.takes if before else ()), *(take.digest for take in takes), chosen])
        self.lock.set(
            address,
            ImageEntry(
                want=want.key,
                own=self._own(want.node),
                take=chosen,
                level=before.level if before else Level.AUTO,
                made=made,
                asked=remembered_document(want.document),
                takes=tuple(listed),
                output=file.digest if file is not None and file.how else None,
                finish={} if file is None else file.how,
                also={} if want.entry is None else want.entry.also_beside(want.key),
            ),
        )

    async def _put_again(self, want: _Want, taken: Digest) -> None:
        """Nothing is bought: the bytes are brought into the store if need be, lock and file are made right."""
        address = want.node.address
        if not await self.pictures.bring_in(want.planned, taken):
            raise NodeError("missing", "bytes-missing", f"the chosen picture {taken.short} is gone")
        entry = want.entry
        if entry is not None and entry.take == taken and (want.planned.state in _ON_PURPOSE or want.chosen_before):
            self.pictures.came(address, str(taken), taken)
            file = await self.pictures.put(address, taken, want.known, fit=fit_of(want.rule, entry))
            if file is not None and file.how != entry.finish:  # equal ones may differ by the image library's version
                self.lock.set(address, replace(entry, output=file.digest if file.how else None, finish=file.how))
        else:
            await self._choose(want, taken, await asyncio.to_thread(self.frames.at_hand, want.key))
        how = "fetched" if want.planned.state is State.FETCH else "cached"
        self.report.done(address, how, taken, want.planned.output)

    def _own(self, node: ImageNode | FrameNode) -> Digest:
        identities = [self.pictures.of(reference.address).identity for reference in node.references]
        elsewhere = [not isinstance(self.graph[reference.address], SourceNode) for reference in node.references]
        return own_key(self.resolver.asked(node), identities, made_elsewhere=elsewhere)


def _joined(listed: Sequence[Digest], takes: Sequence[Take]) -> tuple[Digest, ...]:
    return tuple(dict.fromkeys([*listed, *(take.digest for take in takes)]))


def _wrong_size(address: str, rule: SizeRule, take: Take) -> NodeError:
    reason = SizeDiffers(asked=rule.asked.text, came=f"{take.width}x{take.height}", take=str(take.digest))
    return NodeError(
        "failed", reason.code, reason.sentence(), request_id=take.request_id, hint=reason.next_step(address)
    )


def node_error(failure: NotBought | None) -> NodeError:
    """What a picture that was not bought means for its node."""
    if failure is None:
        return NodeError("failed", "nothing-bought", "the plan bought no picture for it")
    return NodeError(
        failure.outcome,
        failure.code,
        failure.message,
        request_id=failure.request_id,
        client_request_id=failure.client_request_id,
        hint=failure.hint,
    )
