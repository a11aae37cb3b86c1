"""What is remembered, as the planner asks for it: store, index of takes, journal, outputs and sources of one realm."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seedpipe.fonts import shipped_font
from seedpipe.images.probe import pixel_digest, probe_picture
from seedpipe.names import Digest
from seedpipe.plan.key import TEXTS
from seedpipe.plan.memory import OutputState, Refused, Uncertain, Whereabouts
from seedpipe.state.files import WorkTreeFiles
from seedpipe.state.journal import Journal
from seedpipe.state.lock import ImageEntry, Lock
from seedpipe.state.outputs import Outputs
from seedpipe.state.requests import Refusal, Request, Short, Took
from seedpipe.state.store import Store
from seedpipe.state.takes import Takes

_DEFINITE = ("node", "blocked")


@dataclass(slots=True, kw_only=True)
class Recollection:
    """Implements `plan.memory.Memory`. `journal` and `takes` are None for a project that was never built here."""

    files: WorkTreeFiles
    lock: Lock
    outputs: Outputs
    store: Store | None
    takes_index: Takes | None
    journal: Journal | None
    _open: Mapping[Digest, list[Request]] = field(init=False)
    _refusals: Mapping[Digest, Refusal] = field(init=False)
    _short: Mapping[Digest, Short] | None = None  # read when a frame is first found missing
    _wants: Mapping[Digest, list[Digest]] = field(init=False)
    _fonts: dict[str | None, Digest] = field(default_factory=dict)
    _batches: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        waiting: dict[Digest, list[Request]] = defaultdict(list)
        for request in self.journal.open_requests() if self.journal else ():
            for want in self._awaited(request):
                waiting[want].append(request)
        self._open = waiting
        self._refusals = self.journal.refusals(verdicts=_DEFINITE) if self.journal else {}
        wants: dict[Digest, list[Digest]] = defaultdict(list)
        for entry in self.lock.entries.values():
            if isinstance(entry, ImageEntry):
                wants[entry.want] += [entry.take, *entry.takes]
                for want, takes in entry.also.items():
                    wants[want] += takes
        self._wants = wants

    @property
    def under_way(self) -> bool:
        """Requests are open: sent by another process, or without an answer."""
        return bool(self._open)

    def close(self) -> None:
        """Closes what it was read from."""
        if self.takes_index is not None:
            self.takes_index.close()
        if self.journal is not None:
            self.journal.close()

    def _awaited(self, request: Request) -> Sequence[Digest]:
        """The wants of which an open request has not said yet what became of them."""
        if not request.frames or self.journal is None:
            return [request.request_key]
        told = {item.index for item in self.journal.answer(request.id) if item.picture or item.code}
        return [frame.want for index, frame in enumerate(request.frames) if index not in told]

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
        known = dict.fromkeys([*indexed, *self._wants.get(want, ())])
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

    def came_short(self, want: Digest) -> Short | None:
        if self._short is None:
            self._short = self.journal.came_short() if self.journal else {}
        return self._short.get(want)

    def took(self, model: str) -> Sequence[Took]:
        """How long the latest requests to a model took."""
        return self.journal.durations(model) if self.journal else ()

    def uncertain(self, want: Digest) -> Uncertain | None:
        """Held requests, and what another process has under way at this moment is not among them."""
        for request in self._open.get(want, ()):
            held = request.why is not None or request.state.value == "unknown"
            if held and not self._bought_since(request, want):
                return Uncertain(
                    since=(request.sent_at or request.intended_at)[:16].replace("T", " ") + " UTC",
                    cost=str(request.reserved),
                    why=request.why or "no answer",
                    ordinal=request.ordinal,
                )
        return None

    def _bought_since(self, request: Request, want: Digest) -> bool:
        """A person had it sent again and that picture came: what it cost stays uncertain, the node is not."""
        takes = self.takes_index.of(want) if self.takes_index else ()
        return any(
            take.ordinal == request.ordinal and take.client_request_id != request.client_request_id for take in takes
        )

    def refused(self, request_key: Digest) -> Refused | None:
        refusal = self._refusals.get(request_key)
        if refusal is None:
            return None
        return Refused(
            code=refusal.code or refusal.verdict, message=refusal.message, blocked=refusal.verdict == "blocked"
        )

    def words(self, want: Digest) -> Mapping[str, str]:
        document = self.takes_index.document(want) if self.takes_index else None
        return _texts_of(document) if document is not None else {}

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
        ours = present in known or present == self.outputs.ours(path) or self._in_store(present)
        return OutputState.OURS if ours else OutputState.FOREIGN

    def _in_store(self, digest: Digest) -> bool:
        return self.store is not None and self.store.has(digest)


def _texts_of(document: str) -> Mapping[str, str]:
    known = json.loads(document)
    return {name: known[name] for name in TEXTS if isinstance(known.get(name), str)}
