"""`inputs_of`: what a plan that changes nothing rests on, for the memo."""

import os
from collections.abc import Iterator
from pathlib import Path

from seedpipe.names import Realm
from seedpipe.plan.plan import Plan
from seedpipe.project.identity import decisions_name, lock_name
from seedpipe.project.project import MANIFEST, Project
from seedpipe.state.home import config_folder, home_folder
from seedpipe.state.memo import Inputs


def inputs_of(project: Project, *, searched: Path) -> Inputs:
    """What reading the project rested on. `searched` is the folder in which the search for the manifest began."""
    root, files = project.root, project.files
    read = [*files.reads, *files.found, *files.misses, *files.folders]
    home = home_folder(os.environ)
    followed = [
        *(root / path for path in read),
        root / decisions_name(lock_name(Realm.LIVE, project.profile)),
        *(root / lock_name(realm, profile) for realm in Realm for profile in (None, project.profile)),
        *_nearer_manifests(searched, root),
        config_folder(os.environ) / "config.yaml",
        *project.settings.catalogue_files,
        home / "emulators.json",
    ]
    present = [folder / ".git" for folder in (root, *root.parents) if folder.is_relative_to(files.tree)]
    return Inputs(files=frozenset(map(str, followed)), present=frozenset(map(str, present)))


def inputs_of_plan(project: Project, plan: Plan, *, searched: Path) -> Inputs:
    """And what is remembered: outputs, the store's listing, the journal."""
    inputs = inputs_of(project, searched=searched)
    outputs = (f"{project.root}/{node.output}" for node in plan.nodes.values() if node.output is not None)
    remembered: list[Path] = []
    present: list[Path] = []
    absent: list[Path] = []
    if project.project_id is not None:
        places = project.state(project.project_id)
        log = places.journal.with_name(places.journal.name + "-wal")
        remembered = [places.journal, *_folders(places.store / "sha256")]
        present, absent = [places.takes], [log]
    return Inputs(
        files=inputs.files | {str(path) for path in remembered},
        entries=frozenset(outputs),
        present=inputs.present | {str(path) for path in present},
        absent=frozenset(map(str, absent)),
    )


def _nearer_manifests(searched: Path, root: Path) -> Iterator[Path]:
    """Where a manifest was looked for in vain; one that appears there is another project."""
    folder = searched.resolve()
    while folder != root and folder.is_relative_to(root):
        yield folder / MANIFEST
        folder = folder.parent


def _folders(store: Path) -> Iterator[Path]:
    """The store's listing is that of its folders: their stamps change with every picture that comes or goes."""
    yield store
    if store.is_dir():
        yield from (path for path in store.iterdir() if path.is_dir())
