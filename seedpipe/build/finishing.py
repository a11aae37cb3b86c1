"""Putting a chosen picture where its output belongs: as it is, or re-encoded where the path promises another format."""

from collections.abc import Collection
from pathlib import Path, PurePosixPath

from seedpipe.images.finish import finish
from seedpipe.images.probe import probe_picture
from seedpipe.images.sniff import picture_format
from seedpipe.names import Digest
from seedpipe.plan.outputs import FORMATS
from seedpipe.state.outputs import Outputs
from seedpipe.state.store import Store


class Finisher:
    """Writes outputs. A file that is neither ours nor a known picture is left alone."""

    def __init__(self, outputs: Outputs, store: Store) -> None:
        self._outputs = outputs
        self._store = store

    def put(self, path: str, taken: Digest, known: Collection[Digest]) -> Digest | None:
        """Returns the digest of the file now at `path`; None if someone else's file stands there.

        `known` are pictures of the node that may be replaced. Raises `StateError`, `OSError`, `ReadRefusedError`.
        """
        finished = self._finished(path, taken)
        present = self._outputs.digest(path)
        if present == finished:
            return finished
        ours = {finished, taken, self._outputs.ours(path), *known}
        if present is not None and present not in ours and not self._store.has(present):
            return None
        self._outputs.place(path, finished, self._store)
        return finished

    def _finished(self, path: str, taken: Digest) -> Digest:
        """The digest of what belongs at `path`: the take, or its picture in the format of the path's ending."""
        wanted = FORMATS[PurePosixPath(path).suffix.lower()]
        picture = self._store.path(taken)
        if picture_format(_head(picture)) == wanted:
            return taken
        data = finish(picture, probe_picture(picture), wanted)
        return taken if data is None else self._store.keep(data)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)
