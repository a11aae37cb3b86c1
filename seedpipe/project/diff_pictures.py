"""The bytes of pictures that a diff speaks of: from the store, or from output files of either time."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from seedpipe.errors import SeedpipeError
from seedpipe.images.thumbnail import thumbnail
from seedpipe.names import Digest, Realm
from seedpipe.plan.diff import NodeChange
from seedpipe.project.identity import known_id
from seedpipe.project.snapshot import Snapshot
from seedpipe.state.home import ProjectState, home_folder
from seedpipe.state.store import Store


def live_store(root: Path, project: str | None, profile: str | None) -> Store | None:
    """The store of a project on this machine, by its manifest's id or its lock's; None if it was never built here."""
    found = project or known_id(root, profile)
    if found is None:
        return None
    folder = ProjectState(home=home_folder(os.environ), project_id=found, realm=Realm.LIVE).store
    return Store(folder) if folder.is_dir() else None


def thumbnails(
    changes: Iterable[NodeChange], before: Snapshot, after: Snapshot, store: Store | None
) -> Mapping[Digest, bytes]:
    """JPEGs by the digest of the take. What is not at hand, or no picture any more, is left out."""
    found: dict[Digest, bytes] = {}
    for change in changes:
        sides = (
            (before, change.old_address or change.address, change.before.take),
            (after, change.address, change.after.take),
            *((after, change.address, one.take) for one in change.candidates),
        )
        for side, address, take in sides:
            if take is None or take in found:
                continue
            data = _from_store(store, take) or _from_output(side, address, take)
            if data is not None:
                try:
                    found[take] = thumbnail(data)
                except SeedpipeError:
                    continue  # the page says that it is not there
    return found


def _from_store(store: Store | None, take: Digest) -> bytes | None:
    if store is None or not store.has(take):
        return None
    try:
        return store.read(take)
    except SeedpipeError:
        return None


def _from_output(snapshot: Snapshot, address: str, take: Digest) -> bytes | None:
    """A committed output stands in for the take if it is that very picture."""
    path = snapshot.side.outputs.get(address)
    data = None if path is None else snapshot.bytes_of(path)
    return data if data is not None and Digest.of(data) == take else None
