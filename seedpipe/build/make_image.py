"""Paid pictures: what is at hand is used, what is missing is ordered, the lock says which one is chosen."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from seedpipe.build.earlier_takes import EarlierTakes, Pools
from seedpipe.build.make_frames import NO_MORE, FrameBuyer
from seedpipe.build.order import UNCERTAIN_HINT, NotBought, WantedPicture, not_kept, still_to_fetch
from seedpipe.build.orders import OrderMaker
from seedpipe.build.pictures import Pictures
from seedpipe.build.purchase import Buyer
from seedpipe.build.report import NodeError, Report, gone
from seedpipe.build.want import Came, Want, joined, of_look
from seedpipe.canonical import canonical_json
from seedpipe.catalogue.sizes import parse_pixels
from seedpipe.manifest.node import FrameNode, ImageNode, worn
from seedpipe.names import Digest
from seedpipe.plan.fewer import own_of
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import remembered_document, request_document
from seedpipe.plan.obstacles import SizeDiffers
from seedpipe.plan.plan import PlanNode, State, stands_alone
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
    earlier: EarlierTakes
    report: Report

    async def make(self, node: ImageNode | FrameNode) -> None:
        """In the look that the plan says, beside it the candidates that its other looks are.

        `node` is as it came (`Pictures.as_came`). Raises `NodeError` if there is no picture in the end.
        """
        planned, entry = self.pictures.plan.nodes[node.address], self.lock.entry(node.address)
        complete = all(self.pictures.is_there(reference.address) for reference in node.references)
        if stands_alone(planned) and not complete and isinstance(entry, ImageEntry) and entry.take == planned.taken:
            await self._put_kept(node, planned, entry)
            return
        look = planned.look
        want = self._want(node.wearing(look) if isinstance(node, ImageNode) else node)
        if want.planned.rolls:
            await self._roll(want)
            return
        if want.planned.taken is not None and (want.planned.state in _STAYS or want.planned.state.needs_a_person):
            await self._put_again(want, want.planned.taken)
            return
        await self._bring_in_chosen(want)
        others = self._others(want)
        self._say_absent(want, others)
        came = await self._buy_all([want, *others])
        bought, failures = came[0].takes, [of_look(one, each.want) for each in came for one in each.missing]
        # In the index's order, not in that of the requests: whoever builds after a crash, or beside this, chooses by it.
        have = await asyncio.to_thread(self.frames.at_hand, want.key)
        takes: Sequence[Take] = [*have, *(take for take in bought if take.digest not in {old.digest for old in have})]
        chosen = self._choice(want, takes)
        if chosen is None and want.entry is None:
            want, takes, chosen = await self._another_look(want, takes, others)
        if chosen is None:
            await self._list_others(want, others)
        if chosen is None and not takes and want.planned.state is State.FETCH:
            raise node_error(await asyncio.to_thread(self._not_fetched, want.key))
        if chosen is None and not takes:
            failures = failures or ([NO_MORE] if self.pictures.shares_none(want.planned) else [])
            if failures and failures[0].outcome == "absent":
                await self._take_away(want)
            raise node_error(failures[0] if failures else None)
        if chosen is not None:
            for each in came:
                self._say_sizes(each.want, each.takes)
            await self._choose(want, chosen, takes)
            there = [*takes, *(take for each in came for take in each.takes)]
            made = any(take.digest in self.report.result.received for take in there)  # and not by another build
            self.report.done(node.address, "made" if made else "cached", chosen, want.planned.output, want.look)
        for failure in failures:
            if failure.outcome != "stopped":
                self.report.failed(node.address, node_error(failure))
        if chosen is None:
            raise _wrong_size(node.address, want.rule, takes[0])

    def _not_fetched(self, want: Digest) -> NotBought:
        """What stood in the way of a picture that is paid and at the provider."""
        held = next((one for one in self.buyer.journal.held() if one.awaits(want)), None)
        return not_kept("it is nowhere any more", UNCERTAIN_HINT) if held is None else still_to_fetch(held.request)

    async def _take_away(self, want: Want) -> None:
        """The file of a picture that there is no longer: fewer came this time. Its take stays, and so does a person's word."""
        if want.entry is not None and want.entry.level is Level.AUTO:
            removed = await asyncio.to_thread(self.pictures.take_away, want.node.address, want.entry.take, want.known)
            if removed is not None:
                self.report.notice(want.node.address, f"there is no such picture any more: {removed} is taken away")

    def _want(self, node: ImageNode | FrameNode) -> Want:
        identities = [self.pictures.identity(reference.address) for reference in node.references]
        entry = self.lock.entry(node.address)
        asked = self.resolver.asked(node)
        planned = self.pictures.plan.nodes[node.address]
        return Want(
            node=node,
            planned=planned,
            document=request_document(asked, identities),
            entry=entry if isinstance(entry, ImageEntry) else None,
            rule=self.resolver.size_rule(node, asked),
            pictures=planned.of_look(node.look if isinstance(node, ImageNode) else None),
        )

    async def _bring_in_chosen(self, want: Want) -> None:
        """What was awaited came out as it was, so its choice holds again: if its bytes are nowhere, nothing is bought."""
        before = want.chosen_before
        if before is not None and not await self.pictures.bring_in(want.planned, before.take):
            raise gone(before.take)

    # Buying

    async def _buy_all(self, wants: Sequence[Want]) -> Sequence[Came]:
        """What each lacks, all at once. Each is awaited to its end whatever becomes of the others: they are paid.

        The first is the picture itself; where it stays a person's choice, no more candidates are bought.
        """
        due = [wants[0], *(want for want in wants[1:] if want.pictures and not wants[0].stays_a_persons)]
        if len(due) == 1:
            return [await self._buy(due[0])]
        outcomes = await asyncio.gather(*map(self._buy, due), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return [outcome for outcome in outcomes if isinstance(outcome, Came)]

    async def _buy(self, want: Want) -> Came:
        """What is missing; never more than the plan says."""
        have = await asyncio.to_thread(self.frames.at_hand, want.key)
        known = {*want.listed, *(take.digest for take in have)}
        missing = min(want.pictures, max(0, want.node.takes - len(known)))
        if isinstance(want.node, FrameNode):
            outcome = await self.frames.buy(want.node) if missing else None
            took = (outcome,) if isinstance(outcome, Take) else ()
            return Came(want=want, takes=took, missing=(outcome,) if isinstance(outcome, NotBought) else ())
        at_the_provider = await asyncio.to_thread(self.buyer.journal.located_ordinals, want.key) if missing else ()
        there = {*(take.ordinal for take in have), *at_the_provider}
        ordinals = [ordinal for ordinal in range(1, want.node.takes + 1) if ordinal not in there]
        if missing < len(ordinals):  # a take that was refused is the last to be sent again
            refused = await asyncio.to_thread(self.buyer.journal.refused_ordinals, want.key, verdicts=DEFINITE)
            ordinals.sort(key=lambda ordinal: (ordinal in refused, ordinal))
        bought, failures = await self._buy_takes(want, want.node, ordinals[:missing])
        return Came(want=want, takes=bought, missing=failures)

    async def _buy_takes(
        self, want: Want, node: ImageNode, ordinals: Sequence[int], *, anew: bool = False
    ) -> tuple[Sequence[Take], Sequence[NotBought]]:
        """All at once, each awaited to its end whatever becomes of the others: they are paid."""
        if not ordinals:
            return (), ()
        picture = WantedPicture(address=node.address, want=want.key, document=canonical_json(want.document))
        references = [(one.address, self.pictures.of(one.address).digest) for one in node.references]
        asked = self.resolver.asked(node)
        orders = [
            self.orders.order(node, asked, want.document, references, (picture,), ordinal=ordinal, anew=anew)
            for ordinal in ordinals
        ]
        if node.look is not None:
            await asyncio.to_thread(self.takes.record_look, want.key, node.address, node.look)
        self.report.started(node.address, "request", node.look)
        outcomes = await asyncio.gather(*(self.buyer.buy(order) for order in orders), return_exceptions=True)
        bought: list[Take] = []
        failures: list[NotBought] = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            bought += outcome.takes.values()
            failures += outcome.missing.values()
        return bought, failures

    async def _buy_more(self, want: Want) -> tuple[Sequence[Take], Sequence[NotBought]]:
        """Beside all that there are."""
        if isinstance(want.node, FrameNode):
            outcomes = await self.frames.buy_more(want.node, want.planned.pictures)
            takes = [one for one in outcomes if isinstance(one, Take)]
            return takes, [one for one in outcomes if isinstance(one, NotBought)]
        ordinals = await self.buyer.numbers(want.key, want.planned.pictures)
        return await self._buy_takes(want, want.node, ordinals, anew=True)

    async def _roll(self, want: Want) -> None:
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
                self.lock.set(address, replace(entry, takes=joined(entry.takes, have)))
            elif have and isinstance(want.node, ImageNode) and want.node.looks:
                also = {**entry.also, want.key: joined(want.listed, have)}
                self.lock.set(address, replace(entry, also=also))
        elif (chosen := self._choice(want, have)) is not None:
            shown = shown or chosen
            await self._choose(want, chosen, have)
        self._say_sizes(want, bought)
        if shown is not None and (bought or not failures):
            output = want.planned.output if entry is None else None  # of a choice that stays, so does the file
            self.report.done(address, "made" if bought else "cached", shown, output, want.look)
        elif failures:
            raise node_error(failures[0])
        for failure in failures:
            if failure.outcome != "stopped":
                self.report.failed(address, node_error(failure))

    # Other looks

    def _others(self, want: Want) -> Sequence[Want]:
        """The same picture in its other looks, as far as all that those are made from is there."""
        found: list[Want] = []
        node = want.node
        if not isinstance(node, ImageNode):
            return found
        for other in node.others:
            with contextlib.suppress(NodeError):  # it stays without; the picture itself is not made from it
                found.append(self._want(node.wearing(other.look)))
        return found

    def _say_absent(self, want: Want, others: Sequence[Want]) -> None:
        """Looks that were to be bought, and that something they are made from did not come for."""
        there = {want.look, *(other.look for other in others)}
        for look in want.planned.looks:
            if look.pictures and look.name not in there:
                self.report.notice(
                    want.node.address, f"look {look.name} is left out: what it is made from did not come"
                )

    async def _another_look(
        self, want: Want, takes: Sequence[Take], others: Sequence[Want]
    ) -> tuple[Want, Sequence[Take], Digest | None]:
        """Of a picture that nobody has chosen yet: the first look that came, if the one that was to be first did not."""
        for other in others:
            there = await asyncio.to_thread(self.frames.at_hand, other.key)
            chosen = self._choice(other, there)
            if chosen is not None:
                return other, there, chosen
        return want, takes, None

    async def _also(self, want: Want, beside: Pools | None = None) -> Mapping[Digest, tuple[Digest, ...]]:
        """What the line for `want` lists of other wants: all that it listed, `beside`, and what other looks have."""
        entry = want.entry
        known = dict(entry.also_beside(want.key)) if entry is not None else {}
        for earlier, pool in (beside or {}).items():
            known[earlier] = tuple(dict.fromkeys([*known.get(earlier, ()), *pool]))
        if not isinstance(want.node, ImageNode) or not want.node.looks:
            return known
        if entry is not None and entry.want != want.key:
            known[entry.want] = tuple(dict.fromkeys([*entry.takes_for(entry.want), *known.get(entry.want, ())]))
        for other in self._others(want):
            there = await asyncio.to_thread(self.frames.at_hand, other.key)
            takes = joined(known.get(other.key, ()), there)
            if takes and other.key != want.key:
                known[other.key] = takes
        return known

    async def _list_others(self, want: Want, others: Sequence[Want]) -> None:
        """Candidates that came belong into the line also when the picture itself did not come."""
        if want.entry is not None and others:
            also = dict(want.entry.also)
            for other in others:
                there = await asyncio.to_thread(self.frames.at_hand, other.key)
                if there and other.key != want.entry.want:
                    also[other.key] = joined(other.listed, there)
            if also != want.entry.also:
                self.lock.set(want.node.address, replace(want.entry, also=also))

    # Choosing

    def _choice(self, want: Want, takes: Sequence[Take]) -> Digest | None:
        """What is chosen for this very want, else the first picture that `on_size_mismatch` lets be chosen."""
        before = want.chosen_before
        right = next((take.digest for take in takes if not want.rule.refuses((take.width, take.height))), None)
        if before is None:
            return right
        refused = before.level is Level.AUTO and want.rule.refuses(parse_pixels(before.made.size))
        return right if refused else before.take

    def _say_sizes(self, want: Want, bought: Sequence[Take]) -> None:
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

    async def _choose(self, want: Want, chosen: Digest, takes: Sequence[Take]) -> None:
        """The lock's new line. A present choice for the same want keeps its level; only the list of takes grows."""
        address, before = want.node.address, want.chosen_before
        self.pictures.came(address, str(chosen), chosen)
        take = next((take for take in takes if take.digest == chosen), None)
        stays = before is not None and before.take == chosen
        made = before.made if before and stays else Made.of(take) if take else self.lock.made(chosen)
        fit = None if made is None else want.rule.fit(parse_pixels(made.size))
        known = [*want.known, *(take.digest for take in takes)]
        file = await self.pictures.put(address, chosen, known, fit=fit)
        if made is None:
            return  # its record is lost: the bytes and the file are right, the lock keeps what it says
        others = await asyncio.to_thread(self.earlier.beside, address, want.entry, want.key)
        listed = dict.fromkeys([*want.listed, *(take.digest for take in takes), chosen, *others.pop(want.key, ())])
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
                also=await self._also(want, others),
                look=want.node.look if isinstance(want.node, ImageNode) else None,
            ),
        )

    async def _put_again(self, want: Want, taken: Digest) -> None:
        """Nothing is bought: the bytes are brought into the store if need be, lock and file are made right."""
        address = want.node.address
        if not await self.pictures.bring_in(want.planned, taken):
            raise gone(taken)
        entry = want.entry
        stays = want.planned.state in _ON_PURPOSE or want.planned.key is None  # it is used as it is
        if entry is not None and entry.take == taken and (stays or want.chosen_before):
            self.pictures.came(address, str(taken), taken)
            file = await self.pictures.put(address, taken, want.known, fit=fit_of(want.rule, entry))
            line = replace(entry, also=await self._also(want), look=want.look) if want.chosen_before else entry
            if file is not None and file.how != entry.finish:  # equal ones may differ by the image library's version
                line = replace(line, output=file.digest if file.how else None, finish=file.how)
            if line != entry:
                self.lock.set(address, line)
        else:
            await self._choose(want, taken, await asyncio.to_thread(self.frames.at_hand, want.key))
        how = "fetched" if want.planned.state is State.FETCH else "cached"
        self.report.done(address, how, taken, want.planned.output, want.look)

    async def _put_kept(self, node: ImageNode | FrameNode, planned: PlanNode, entry: ImageEntry) -> None:
        """A picture that stays whatever it is made from, and that isn't all there: only its file is made right."""
        if not await self.pictures.bring_in(planned, entry.take):
            raise gone(entry.take)
        self.pictures.came(node.address, str(entry.take), entry.take)
        worn = node.wearing(planned.look) if isinstance(node, ImageNode) else node
        fit = fit_of(self.resolver.size_rule(worn, self.resolver.asked(worn)), entry)
        known = (entry.take, *entry.takes, *([entry.output] if entry.output else []))
        file = await self.pictures.put(node.address, entry.take, known, fit=fit)
        if file is not None and file.how != entry.finish:  # equal ones may differ by the image library's version
            self.lock.set(node.address, replace(entry, output=file.digest if file.how else None, finish=file.how))
        self.report.done(node.address, "cached", entry.take, planned.output, planned.look)

    def _own(self, node: ImageNode | FrameNode) -> Digest:
        whole = worn(self.graph[node.address], node.look if isinstance(node, ImageNode) else None)
        return own_of(whole, self.graph, self.resolver, self.pictures.identity)


def _wrong_size(address: str, rule: SizeRule, take: Take) -> NodeError:
    reason = SizeDiffers(asked=rule.asked.text, came=f"{take.width}x{take.height}", take=str(take.digest))
    return NodeError(
        "failed", reason.code, reason.sentence(), request_id=take.request_id, hint=reason.next_step(address)
    )


def node_error(failure: NotBought | None) -> NodeError:
    """What a picture that was not bought means for its node."""
    if failure is None:
        return NodeError("failed", "nothing-bought", "the plan bought no picture for it", hint="build again")
    return NodeError(
        failure.outcome,
        failure.code,
        failure.message,
        request_id=failure.request_id,
        client_request_id=failure.client_request_id,
        hint=failure.hint,
        look=failure.look,
    )
