"""A project as text alone says it, now or at a git revision: manifest, lock, and the plan that they make together."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from seedpipe.errors import ManifestError, RecordError, UsageError
from seedpipe.fonts import shipped_font
from seedpipe.images.probe import pixel_digest
from seedpipe.manifest.expand import expand
from seedpipe.manifest.origins import origins_of
from seedpipe.manifest.parse import parse_manifest
from seedpipe.names import Digest, Realm
from seedpipe.plan.compare import Side
from seedpipe.plan.graph import link
from seedpipe.plan.moving import with_moved
from seedpipe.plan.outputs import output_paths
from seedpipe.plan.places import Trace
from seedpipe.plan.plan import Cost, Plan
from seedpipe.plan.planner import make_plan
from seedpipe.plan.price import currency_of
from seedpipe.plan.resolve import Resolver
from seedpipe.plan.select import Wish, select
from seedpipe.project.identity import lock_name
from seedpipe.project.lock_memory import LockMemory
from seedpipe.project.project import output_folder, terms_of, users_catalogue
from seedpipe.project.revision import RevisionFiles, open_revision
from seedpipe.project.trust import DEFAULT_PROVIDER
from seedpipe.source import ProjectFiles, ReadRefusedError
from seedpipe.state.files import LFS_MAX_BYTES, WorkTreeFiles, lfs_pointer
from seedpipe.state.home import config_folder
from seedpipe.state.lock import Lock, read_lock
from seedpipe.state.lockfile import load_lock
from seedpipe.state.settings import read_settings

WORK_TREE = "work tree"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """`side` is what is compared; `bytes_of` gives a file of that time, relative to the project, if there was one.

    `trace` says where the words of prompts come from.
    """

    side: Side
    bytes_of: Callable[[str], bytes | None] = field(repr=False)
    trace: Trace = field(repr=False)


def snapshot(root: Path, manifest_name: str, revision: str | None, *, profile: str | None = None) -> Snapshot:
    """At `revision`, or in the work tree. Raises `ManifestError`, `UsageError`, and `RecordError` for a broken lock."""
    if revision is None:
        return _now(root, manifest_name, profile)
    files = open_revision(root, revision)
    if not files.exists(manifest_name):
        found = files.formerly(manifest_name)
        if found is None:
            return _before_it_was(revision)
        files, manifest_name = found
    lock = _lock_at(files, lock_name(Realm.LIVE, profile))
    memory = LockMemory(
        lock=lock,
        digest=cache(files.picture_digest),
        pixels_of=cache(files.pixel_digest),
        font=cache(lambda path: Digest.of(shipped_font().read_bytes() if path is None else files.picture(path))),
    )
    try:
        side = _side(revision, files, memory, manifest_name, profile, folder=root.name)
    except ManifestError as error:
        first = error.faults[0]
        if first.code == "unknown-profile":
            return _before_it_was(revision)
        place = f" ({first.position})" if first.position else ""
        raise UsageError(
            f"the manifest at `{revision}` can't be read: {first.message}{place}",
            hint="compare with a revision at which `seedpipe check` passed",
        ) from None
    return Snapshot(side=side, bytes_of=_reader(files.picture), trace=_tracer(side, files))


def _now(root: Path, manifest_name: str, profile: str | None) -> Snapshot:
    files = WorkTreeFiles(root)
    name = lock_name(Realm.LIVE, profile)
    memory = LockMemory(
        lock=load_lock(root / name, shown_as=name),
        digest=cache(lambda path: _pointed_to(files, path) or files.picture_digest(path)),
        pixels_of=cache(lambda path: _pointed_to(files, path) or pixel_digest(files.picture_path(path), name=path)),
        font=cache(lambda path: Digest.of((shipped_font() if path is None else files.picture_path(path)).read_bytes())),
    )
    side = _side(WORK_TREE, files, memory, manifest_name, profile, folder=root.name)
    bytes_of = _reader(lambda path: files.picture_path(path).read_bytes())
    return Snapshot(side=side, bytes_of=bytes_of, trace=_tracer(side, files))


def _before_it_was(revision: str) -> Snapshot:
    """There was no such manifest then, or no such profile in it."""
    return Snapshot(side=_nothing(revision), bytes_of=lambda _path: None, trace=lambda _wanted: {})


def _tracer(side: Side, files: ProjectFiles) -> Trace:
    manifest = side.manifest
    assert manifest is not None, "a side that was read has one"
    return lambda wanted: origins_of(manifest, files, side.graph.addresses, wanted)


def _pointed_to(files: WorkTreeFiles, path: str) -> Digest | None:
    """Of a Git LFS pointer, the picture that it stands for: a comparison needs no picture itself."""
    file = files.picture_path(path)
    pointer = lfs_pointer(file.read_bytes()) if file.stat().st_size < LFS_MAX_BYTES else None
    return None if pointer is None else pointer.digest


def _lock_at(files: RevisionFiles, name: str) -> Lock:
    if not files.exists(name):
        return Lock()
    shown_as = f"{name} at {files.name}"
    try:
        text = files.read(name).decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(f"`{shown_as}` is not UTF-8 text", hint="compare with another revision") from error
    return read_lock(text.replace("\r\n", "\n"), file=shown_as)


def _side(
    name: str,
    files: WorkTreeFiles | RevisionFiles,
    memory: LockMemory,
    manifest_name: str,
    profile: str | None,
    *,
    folder: str,
) -> Side:
    """A project that isn't named by its manifest is called as its `folder`, as in every plan."""
    manifest = parse_manifest(files, manifest_name, profile=profile)
    graph = link(expand(manifest, files).nodes)
    memory = replace(memory, lock=with_moved(memory.lock, graph, manifest.moved)[0])
    catalogue, provider = terms_of(manifest, users_catalogue(read_settings(config_folder(os.environ))))
    below, lock = output_folder(Realm.LIVE, profile), memory.lock
    outputs = {address: f"{below}/{path}" for address, path in output_paths(graph).items()}
    resolver = Resolver(catalogue, provider, lock.resolved)
    plan = make_plan(
        graph,
        lock=lock,
        catalogue=catalogue,
        provider=provider,
        resolver=resolver,
        memory=memory,
        wish=Wish(selection=select(graph, ())),
        outputs=outputs,
        folder=below,
        project=manifest.project or folder,
        realm=Realm.LIVE,
    )
    return Side(
        name=name,
        manifest=manifest,
        graph=graph,
        lock=lock,
        catalogue=catalogue,
        provider=provider,
        plan=plan,
        outputs=outputs,
        resolver=resolver,
    )


def _nothing(revision: str) -> Side:
    """Before there was a manifest."""
    catalogue = users_catalogue(read_settings(config_folder(os.environ)))
    provider = catalogue.provider(DEFAULT_PROVIDER).id
    nothing = Cost.nothing(currency_of(catalogue, provider))
    plan = Plan(project="", realm=Realm.LIVE, provider=provider, currency=nothing.low.currency, nodes={}, cost=nothing)
    return Side(
        name=revision,
        manifest=None,
        graph=link([]),
        lock=Lock(),
        catalogue=catalogue,
        provider=provider,
        plan=plan,
        outputs={},
        resolver=Resolver(catalogue, provider, {}),
    )


def _reader(read: Callable[[str], bytes]) -> Callable[[str], bytes | None]:
    def bytes_of(path: str) -> bytes | None:
        try:
            return read(path)
        except (OSError, ReadRefusedError):
            return None

    return bytes_of
