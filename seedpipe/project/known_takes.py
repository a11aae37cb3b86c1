"""Every picture there ever was for an address: bought, adopted, found in its output, also for words it had before."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from seedpipe.errors import DecisionError
from seedpipe.images.probe import probe_picture
from seedpipe.names import Digest
from seedpipe.plan.choices import Candidate, adopted_by, is_current
from seedpipe.plan.document_changes import compare_documents
from seedpipe.plan.key import DEFAULTS_1, TEXTS, remembered_document
from seedpipe.plan.present import Present
from seedpipe.plan.reason import Reason
from seedpipe.plan.takes import KnownTake, NodeTakes, TakesFor
from seedpipe.project.deciding import Desk
from seedpipe.state.decisions import Decision, Verb, decided_by, effective
from seedpipe.state.lock import ImageEntry, Made

_LAST: Final = (1 << 30, 0)  # behind all whose place is known


@dataclass(slots=True)
class _Facts:
    want: Digest | None = None
    made: Made | None = None
    place: tuple[int, int] = _LAST  # among those of the same moment


def known_takes(desk: Desk, present: Present) -> tuple[KnownTake, ...]:
    """The oldest first. What the journal doesn't know is taken from the lock and from the record of decisions."""
    entry = desk.entry(present.address)
    found: dict[Digest, _Facts] = {}
    for digest, want, made, place in _told(desk, present, entry):
        facts = found.setdefault(digest, _Facts())
        facts.want = facts.want or want
        facts.made = facts.made or made
        facts.place = min(facts.place, place)
    by_age = sorted(found.items(), key=lambda item: (item[1].made.at if item[1].made else "", item[1].place))
    for_now = _wants_of_now(present, entry)
    listed = (entry.take, *entry.takes) if entry is not None and entry.want in for_now else ()

    def look_of(digest: Digest, want: Digest | None) -> str | None:
        """That of the line, where a picture stands for it that was made for something else, or nobody knows for what."""
        stands = entry is not None and digest in listed[: None if want is None else 1] and want not in for_now
        return for_now.get(entry.want if entry is not None and stands else want)

    takes = (
        KnownTake(
            number=number,
            digest=digest,
            want=facts.want,
            made=facts.made,
            chosen=entry is not None and digest == entry.take,
            current=facts.want in for_now or digest in listed[: None if facts.want is None else 1],
            at_hand=desk.is_at_hand(digest, present.address),
            look=look_of(digest, facts.want),
        )
        for number, (digest, facts) in enumerate(by_age, 1)
    )
    if not present.looks:
        return tuple(takes)
    bought_as = {want: _bought_as(desk, present, want) for want in {facts.want for facts in found.values()}}
    return tuple(take if take.current else replace(take, bought_as=bought_as[take.want]) for take in takes)


def _wants_of_now(present: Present, entry: ImageEntry | None) -> Mapping[Digest | None, str | None]:
    """What is asked for, and in which look; while that can't be known, what the choice was made for."""
    wants: dict[Digest | None, str | None] = {one.want: one.look for one in present.looks if one.want is not None}
    if present.want is not None:
        return {present.want: present.look, **wants}
    return ({} if entry is None else {entry.want: entry.look}) | wants


def _told(
    desk: Desk, present: Present, entry: ImageEntry | None
) -> Iterator[tuple[Digest, Digest | None, Made | None, tuple[int, int]]]:
    """Picture, want, origin and place, from whoever knows most to whoever knows least."""
    wants = dict.fromkeys(one.want for one in (present, *present.looks) if one.want is not None)
    left = desk.left_over(wants) if entry is None else {}
    names = [name for one in (present.address, *left) for name in desk.names(one)]
    journal, index = desk.memory.journal, desk.memory.takes_index
    noted = journal.takes_at(names) if journal else ()
    # Of takes of one moment those of one want stand as in the index, by which the first is chosen; the wants as they were
    # asked for, so that an edit of the manifest renumbers nothing.
    ranks = {want: rank for rank, want in enumerate(dict.fromkeys((*(take.want for take in noted), *wants)))}
    for want, rank in sorted(ranks.items(), key=lambda item: item[0] not in wants):
        for number, take in enumerate(index.of(want) if index else ()):
            yield take.digest, take.want, Made.of(take), (rank, number)
    for number, take in enumerate(noted):
        yield take.digest, take.want, Made.of(take), (ranks[take.want], number)
    for digest, known, made in _remembered(desk, names, [*([] if entry is None else [entry]), *left.values()]):
        yield digest, known, made, _LAST


def _remembered(
    desk: Desk, names: Collection[str], now: Sequence[ImageEntry]
) -> Iterator[tuple[Digest, Digest | None, Made | None]]:
    """What lines of the lock and the record of decisions say."""
    lines = [one for one in desk.decisions if one.node in names]
    entries = [*now, *(value for one in reversed(lines) for value in (one.after, one.before))]
    images = [value for value in entries if isinstance(value, ImageEntry)]
    for image in images:
        for_it = image.made.request == image.want or image.made.adopted_by is not None
        yield image.take, image.want if for_it else None, image.made
    for one in lines:
        if one.file is not None:
            yield one.file, None, adopted_by(one.who, one.file, size="", at=one.at)
    for image in images:
        for want, takes in {image.want: image.takes, **image.also}.items():
            for digest in takes:
                yield digest, want, None


def candidate(desk: Desk, take: KnownTake, address: str) -> Candidate:
    """As a picture to choose, its bytes in the store. Raises `DecisionError` if they are not on this machine."""
    picture = _bytes_of(desk, take.digest, address)
    entry, made = desk.entry(address), take.made
    if made is None:  # nobody here knows more of it than that it stands beside the chosen one
        chosen = entry.made if entry is not None else adopted_by("", take.digest, size="", at="")
        made = Made(request=chosen.request, model=chosen.model, provider=chosen.provider, size="", at="")
    if not made.size:
        info = probe_picture(picture, name=f"the take {take.digest.short}")
        made = replace(made, size=f"{info.width}x{info.height}")
    return Candidate(digest=take.digest, made=made, want=take.want)


def _bytes_of(desk: Desk, digest: Digest, address: str) -> Path:
    """Its file in the store; an output file that holds it stands in for an absent take."""
    store = desk.store()
    file = None if store.has(digest) else desk.file_of(digest, address)
    if file is not None:
        store.keep(desk.memory.outputs.file(file).read_bytes())
    if not store.has(digest):
        raise DecisionError(
            f"the picture {digest.short} of `{address}` is not on this machine",
            hint="choose it where it was made, or bring that machine's data folder here",
        )
    return store.path(digest)


def takes_of(desk: Desk, present: Present) -> NodeTakes:
    """All takes of an address: those for what is asked now first, then those for earlier words, the latest before."""
    entry = desk.entry(present.address)
    groups: dict[object, list[KnownTake]] = {}
    for take in reversed(known_takes(desk, present)):
        groups.setdefault(("now", take.look) if take.current else take.want, []).insert(0, take)
    looks = dict.fromkeys((present.look, *(one.look for one in present.looks)))
    first = [("now", look) for look in looks]
    ordered = sorted(groups.items(), key=lambda item: first.index(item[0]) if item[0] in first else len(first))
    names = desk.names(present.address)
    told = [_group(desk, present, takes, current=takes[0].current) for _, takes in ordered]
    empty = [look for look in looks if look is not None and groups and ("now", look) not in groups]
    for look in empty:  # behind those for what is asked now
        after = sum(group.current for group in told)
        told.insert(after, _of_look(desk, present, present.named(look), ()))
    stands = [one for one in effective(desk.decisions) if one.node in names and not _is_departure(one)]
    return NodeTakes(
        address=present.address,
        groups=told,
        level=None if entry is None else entry.level,
        look=None if entry is None else _look_now(present, entry),
        stale=entry is not None and not is_current(entry, present),
        decided=None if entry is None else decided_by(desk.decisions, names, entry),
        decisions=stands,
    )


def _look_now(present: Present, entry: ImageEntry) -> str | None:
    """The look of a line, by the name that it has in the manifest now."""
    return next((one.look for one in (present, *present.looks) if one.want == entry.want), entry.look)


def _is_departure(decision: Decision) -> bool:
    """A move is told once, where the line arrived."""
    return decision.verb == Verb.MOVE and decision.after is None


def _group(desk: Desk, present: Present, takes: Sequence[KnownTake], *, current: bool) -> TakesFor:
    if current:
        return _of_look(desk, present, present.named(takes[0].look), takes)
    document = _document(desk, takes[0].want)
    bought_as = takes[0].bought_as
    named = present.named(bought_as)
    if document is not None and named.look != bought_as:
        named = _nearest(present, document)
    differs = _differences(desk, document, named) if document is not None and named.document else ()
    prompt = document.get("prompt") if document is not None else None
    return TakesFor(takes=takes, current=False, differs=differs, prompt=prompt, look=named.look, bought_as=bought_as)


def _of_look(desk: Desk, present: Present, one: Present, takes: Sequence[KnownTake]) -> TakesFor:
    """What is asked now: in one look, as it differs from the one that the picture is."""
    beside = _differences(desk, present.document, one) if one.look != present.look and one.document else ()
    return TakesFor(takes=takes, current=True, prompt=one.document.get("prompt"), look=one.look, beside=beside)


def _differences(desk: Desk, old: Mapping[str, Any], new: Present) -> tuple[Reason, ...]:
    return compare_documents(
        remembered_document(old),
        new.document,
        old_words={name: old[name] for name in TEXTS if name in old},
        defaults=DEFAULTS_1,
        references=new.made_from,
        called=lambda identity: _whose(desk, new, identity),
    )


def _bought_as(desk: Desk, present: Present, want: Digest | None) -> str | None:
    """The name of the look that an earlier want was bought or chosen for, as far as this machine or the lock knows it."""
    if want is None:
        return None
    names, index = desk.names(present.address), desk.memory.takes_index
    bought = index.looks(want) if index else {}
    lines = [value for one in desk.decisions if one.node in names for value in (one.before, one.after)]
    images = [one for one in (*lines, desk.entry(present.address)) if isinstance(one, ImageEntry)]
    chosen = [one.look for one in images if one.want == want and one.look is not None]
    return next(iter((*(bought[name] for name in names if name in bought), *reversed(chosen))), None)


def _nearest(present: Present, document: Mapping[str, Any]) -> Present:
    """The look whose words have most in common with those of a document; the present one of equals."""
    words = Counter(str(document.get("prompt", "")).split())

    def alike(one: Present) -> int:
        others = Counter(str(one.document.get("prompt", "")).split())
        return (words & others).total() - (words - others).total() - (others - words).total()

    looks = [present, *(one for one in present.looks if one.look != present.look)]
    return max(looks, key=alike)


def _whose(desk: Desk, present: Present, identity: str) -> str | None:
    """Which of the pictures that a node is made from an identity was."""
    for name in (*present.made_from, *desk.project.graph.made_from(present.address)):
        entry = desk.entry(name)
        taken = [line.take for line in desk.decisions if line.node == name and line.take is not None]
        taken += [entry.take, *entry.takes] if entry is not None else []
        if identity in map(str, taken):
            return name
    return None


def _document(desk: Desk, want: Digest | None) -> Mapping[str, Any] | None:
    """What was asked under a want, with its words, if this machine remembers it."""
    index = desk.memory.takes_index
    text = index.document(want) if index is not None and want is not None else None
    document = json.loads(text) if text is not None else None
    return document if isinstance(document, dict) else None
