"""Putting a chosen picture where its output belongs: as it is, cut to size, or in the format that the path promises."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from seedpipe.images.finish import finish
from seedpipe.images.sniff import picture_format
from seedpipe.names import Digest
from seedpipe.plan.outputs import FORMATS, made_of
from seedpipe.plan.price import pixels_of
from seedpipe.state.outputs import Outputs
from seedpipe.state.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The file that belongs at a path. `how` says what was done to the take: `format`, `fit`; nothing if it is the take."""

    digest: Digest
    how: Mapping[str, str] = field(default_factory=dict)


class Finisher:
    """Writes outputs. A file that is neither ours nor a known picture, or the Git LFS pointer of one, is left alone."""

    def __init__(self, outputs: Outputs, store: Store) -> None:
        self._outputs = outputs
        self._store = store

    def put(self, path: str, taken: Digest, known: Collection[Digest], fit: str | None) -> Finished | None:
        """Returns what is now at `path`; None if someone else's file stands there.

        `known` are pictures of the node that may be replaced; `fit` is `WxH` to cut the file to, or None.
        Raises `StateError`, `OSError`, `ReadRefusedError`, and for a fit what `images.finish` raises.
        """
        finished = self._finished(path, taken, fit)
        present = self._outputs.digest(path)
        if present == finished.digest:
            self._outputs.note_ours(path, present, made_of(taken, fit))
            return finished
        ours = {taken, self._outputs.ours(path), *known}
        pointer = None if present is None else self._outputs.pointer(path)
        if present is not None and pointer not in {finished.digest, *ours} - {None}:
            if present not in ours and not self._store.has(present):
                return None
            self._keep(path, present)
        self._outputs.place(path, finished.digest, self._store, made_of(taken, fit))
        return finished

    def _keep(self, path: str, present: Digest) -> None:
        """What is about to be replaced may be a paid picture whose bytes are nowhere else: a clone with its outputs."""
        if not self._store.has(present):
            self._store.keep(self._outputs.file(path).read_bytes())

    def _finished(self, path: str, taken: Digest, fit: str | None) -> Finished:
        """What belongs at `path`: the take, or its picture in the format of the path's ending and of the size `fit`."""
        wanted = FORMATS[PurePosixPath(path).suffix.lower()]
        picture = self._store.path(taken)
        how = {} if picture_format(_head(picture)) == wanted else {"format": wanted}
        if fit is not None:
            how["fit"] = fit
        if not how:
            return Finished(digest=taken)
        data = finish(picture, wanted, size=pixels_of(fit) if fit is not None else None)
        return Finished(digest=self._store.keep(data), how=how)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)
