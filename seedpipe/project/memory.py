"""What is remembered, as the planner asks for it: store, index of takes, journal, outputs and sources of one realm."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seedpipe.fonts import shipped_font
from seedpipe.images.probe import pixel_digest, probe_picture
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.plan.key import TEXTS
from seedpipe.plan.memory import OutputState, Refused, Said, Uncertain, Waiting, Whereabouts
from seedpipe.state.files import WorkTreeFiles
from seedpipe.state.held import Fate, Held, minute_text
from seedpipe.state.journal import Journal
from seedpipe.state.lock import ImageEntry, Level, Lock
from seedpipe.state.outputs import Outputs
from seedpipe.state.requests import DEFINITE, Refusal, Request, RequestState, Resolution, Short, Took, Word
from seedpipe.state.shares import shares
from seedpipe.state.store import Store
from seedpipe.state.takes import Takes

_LEVELS = (Level.PINNED, Level.APPROVED, Level.AUTO)


@dataclass(slots=True, kw_only=True)
class Recollection:
    """Implements `plan.memory.Memory`. `journal` and `takes` are None for a project that was never built here."""

    files: WorkTreeFiles
    lock: Lock
    outputs: Outputs
    store: Store | None
    takes_index: Takes | None
    journal: Journal | None
    _held: Mapping[Digest, list[Held]] = field(init=False)  # of a picture whose charge is uncertain
    _paid: Mapping[Digest, list[Held]] = field(init=False)  # of a picture that is still at the provider
    _said: Mapping[Digest, tuple[Request, Resolution, Money]] | None = None  # read when something is first to be bought
    _refusals: Mapping[Digest, Mapping[int, Refusal]] = field(init=False)
    _short: Mapping[Digest, Short] | None = None  # read when a frame is first found missing
    _wants: dict[Digest, list[Digest]] = field(init=False)
    _chosen: dict[Digest, list[Digest]] = field(init=False)
    _fonts: dict[str | None, Digest] = field(default_factory=dict)
    _batches: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        held: dict[Digest, list[Held]] = defaultdict(list)
        paid: dict[Digest, list[Held]] = defaultdict(list)
        for one in self.journal.held() if self.journal else ():
            for place, fate in enumerate(one.fates):
                want = one.request.frame(place).want
                if fate is Fate.WAITS and one.request.state is not RequestState.UNKNOWN:
                    paid[want].append(one)
                elif fate in (Fate.WAITS, Fate.LOST, Fate.SILENT):
                    held[want].append(one)
        self._held, self._paid = held, paid
        self._refusals = self.journal.refusals(verdicts=DEFINITE) if self.journal else {}
        images = [entry for entry in self.lock.entries.values() if isinstance(entry, ImageEntry)]
        self._wants, self._chosen = defaultdict(list), defaultdict(list)
        for entry in images:
            for want, takes in {entry.want: entry.takes, **entry.also}.items():
                self._wants[want] += takes
        for entry in sorted(images, key=lambda entry: _LEVELS.index(entry.level)):
            self._chosen[entry.want].append(entry.take)

    @property
    def under_way(self) -> bool:
        """Requests are open: sent by another process, or without an answer."""
        return self.journal is not None and bool(self.journal.open_requests())

    def close(self) -> None:
        """Closes what it was read from."""
        if self.takes_index is not None:
            self.takes_index.close()
        if self.journal is not None:
            self.journal.close()

    def source_digest(self, path: str) -> Digest:
        return self.files.picture_digest(path)

    def source_pixels(self, path: str) -> Digest:
        return pixel_digest(self.files.picture_path(path), name=path)

    def font_digest(self, path: str | None) -> Digest:
        if path not in self._fonts:
            self._fonts[path] = Digest.of(self.font_path(path).read_bytes())
        return self._fonts[path]

    def font_path(self, path: str | None) -> Path:
        """The file behind a font of the manifest; None is the shipped one."""
        return shipped_font() if path is None else self.files.picture_path(path)

    def fetched(self, url: str) -> Digest | None:
        return self.takes_index.source(url) if self.takes_index else None

    def takes(self, want: Digest) -> tuple[Digest, ...]:
        indexed = [take.digest for take in self.takes_index.of(want)] if self.takes_index else []
        # What somebody chose for this very want comes first: a renamed entry goes on with it.
        known = dict.fromkeys([*self._chosen.get(want, ()), *indexed, *self._wants.get(want, ())])
        return tuple(digest for digest in known if self._in_store(digest))

    def recipe(self, recipe: Digest) -> Digest | None:
        found = self.takes_index.recipe(recipe) if self.takes_index else None
        return found if found is not None and self._in_store(found) else None

    def whereabouts(self, digest: Digest, output: str | None) -> Whereabouts:
        if self._in_store(digest):
            return Whereabouts.STORE
        if output is not None and self.outputs.digest(output) == digest:
            return Whereabouts.OUTPUT
        return Whereabouts.NOWHERE

    def is_pointer(self, output: str | None) -> bool:
        return output is not None and self.outputs.pointer(output) is not None

    def came_short(self, want: Digest) -> Short | None:
        if self._short is None:
            self._short = self.journal.came_short() if self.journal else {}
        return self._short.get(want)

    def took(self, model: str) -> Sequence[Took]:
        """How long the latest requests to a model took."""
        return self.journal.durations(model) if self.journal else ()

    def uncertain(self, want: Digest) -> Uncertain | None:
        """Held requests; what another process has under way at this moment is not among them."""
        found = [
            Uncertain(
                since=held.since,
                cost=str(held.request.price if held.request.frames else held.possible),
                why=held.why,
                ordinal=held.request.ordinal,
                charged=held.is_charged,
                request=held.request.id,
                request_id=held.request.request_id,
                client_request_id=held.request.client_request_id,
            )
            for held in self._held.get(want, ())
            if not self._bought_since(held.request, want)
        ]
        return Uncertain.of_all(found)

    def waiting(self, want: Digest) -> Waiting | None:
        paid = self._paid.get(want)
        if not paid:
            return None
        first = min(paid, key=lambda held: held.until or "")
        return Waiting(until=minute_text(first.until or ""), cost=str(first.request.price * len(paid)), takes=len(paid))

    def said(self, want: Digest) -> Said | None:
        if self._said is None:
            self._said = dict(_words_by_want(self.journal.resolved() if self.journal else ()))
        if want not in self._said:
            return None
        request, word, cost = self._said[want]
        return Said(
            who=word.who,
            at=minute_text(word.at),
            paid=word.word is Word.PAID,
            cost=str(cost),
            since=minute_text(request.sent_at or request.intended_at),
            note=word.note,
        )

    def _bought_since(self, request: Request, want: Digest) -> bool:
        """A person had it sent again and that picture came: what it cost stays uncertain, the node is not."""
        takes = self.takes_index.of(want) if self.takes_index else ()
        return any(
            take.ordinal == request.ordinal and take.client_request_id != request.client_request_id for take in takes
        )

    def refused(self, request_key: Digest) -> Refused | None:
        refusals = self._refusals.get(request_key)
        if not refusals:
            return None
        last = max(refusals.values(), key=lambda refusal: refusal.at)
        return Refused(
            code=last.code or "",
            message=last.message,
            blocked=last.verdict == "blocked",
            takes=len(refusals),
            request_id=last.request_id,
        )

    def words(self, want: Digest) -> Mapping[str, str]:
        document = self.takes_index.document(want) if self.takes_index else None
        return _texts_of(document) if document is not None else {}

    def recipe_asked(self, recipe: Digest) -> Mapping[str, Any] | None:
        document = self.takes_index.document(recipe) if self.takes_index else None
        return None if document is None else dict(json.loads(document))

    def frames_came(self, model: str) -> tuple[int, int]:
        if model not in self._batches:
            self._batches[model] = self.journal.frames_came(model) if self.journal else (0, 0)
        return self._batches[model]

    def pixels(self, picture: Digest, want: Digest) -> tuple[int, int] | None:
        takes = self.takes_index.of(want) if self.takes_index else ()
        known = next(((take.width, take.height) for take in takes if take.digest == picture), None)
        if known is None and self.store is not None and self.store.has(picture):
            info = probe_picture(self.store.path(picture))  # its record stayed on another machine
            known = (info.width, info.height)
        return known

    def output(
        self, path: str, wanted: Digest | None, known: tuple[Digest, ...], made_of: str | None = None
    ) -> OutputState:
        present = self.outputs.digest(path)
        if present is None:
            return OutputState.ABSENT
        if present == wanted or (made_of is not None and self.outputs.is_made_of(path, made_of)):
            return OutputState.RIGHT
        ours = self.outputs.ours(path)
        if present in known or present == ours or self._in_store(present):
            return OutputState.OURS
        pointer = self.outputs.pointer(path)
        is_known = pointer is not None and pointer in (wanted, ours, *known)
        return OutputState.ABSENT if is_known else OutputState.FOREIGN

    def _in_store(self, digest: Digest) -> bool:
        return self.store is not None and self.store.has(digest)


def _words_by_want(
    resolved: Iterable[tuple[Request, Resolution]],
) -> Iterator[tuple[Digest, tuple[Request, Resolution, Money]]]:
    """The last word about each want, with its part of what was charged."""
    for request, word in resolved:
        charge = word.charge or request.reserved
        parts = shares(charge.micros, request.images, {})
        for place in range(request.images):
            yield request.frame(place).want, (request, word, Money(parts[place], charge.currency))


def _texts_of(document: str) -> Mapping[str, str]:
    known = json.loads(document)
    return {name: known[name] for name in TEXTS if isinstance(known.get(name), str)}
