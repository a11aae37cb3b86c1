"""`open_project`: a folder → a project with its manifest expanded and linked, its lock read, its places known."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.catalogue.lookup import Catalogue
from seedpipe.errors import Fault, ManifestError, SeedpipeError, Severity, UsageError, why
from seedpipe.manifest.definition import Manifest
from seedpipe.manifest.expand import expand
from seedpipe.manifest.origins import origins_of
from seedpipe.manifest.parse import parse_what_is_sound
from seedpipe.names import Realm
from seedpipe.plan.forecast import Means, forecast
from seedpipe.plan.graph import Graph, link
from seedpipe.plan.latency import Latencies
from seedpipe.plan.lint import lint
from seedpipe.plan.moving import with_moved
from seedpipe.plan.outputs import output_paths
from seedpipe.plan.places import with_places
from seedpipe.plan.plan import Forecast, Plan
from seedpipe.plan.planner import make_plan
from seedpipe.plan.resolve import Resolver
from seedpipe.plan.select import Wish
from seedpipe.project.files import file_faults, font_files
from seedpipe.project.identity import claim_id, decisions_name, known_id, lock_name
from seedpipe.project.independent import with_independent_faults
from seedpipe.project.lettering import PictureSizes, room_faults
from seedpipe.project.memory import Recollection
from seedpipe.project.terms import with_own_terms
from seedpipe.project.trust import Trusted, Wanted, other_host, provider_name
from seedpipe.state.credentials import Credentials
from seedpipe.state.files import WorkTreeFiles, make_folder
from seedpipe.state.home import ProjectState, config_folder, home_folder
from seedpipe.state.journal import Journal
from seedpipe.state.journal_schema import is_there
from seedpipe.state.lock import Lock
from seedpipe.state.lockfile import change_lock, load_lock, make_sure_of_the_lock
from seedpipe.state.outputs import Outputs
from seedpipe.state.settings import UserSettings, read_settings
from seedpipe.state.store import Store
from seedpipe.state.takes import Takes

MANIFEST = "seedpipe.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One project as one command sees it. Paths inside are relative to `root`."""

    root: Path
    files: WorkTreeFiles
    manifest: Manifest
    graph: Graph
    catalogue: Catalogue
    settings: UserSettings
    provider: str
    host: str | None  # where requests would go, if not to one of the provider's own addresses
    profile: str | None
    realm: Realm
    outputs: Mapping[str, str]  # address → path relative to `root`
    warnings: Sequence[Fault]
    live_lock: Lock = field(repr=False)
    lock: Lock = field(repr=False)
    known_id: str | None  # what the locks say (`identity.known_id`)
    variables: Mapping[str, str] = field(default_factory=dict)  # given as `--var`

    @property
    def folder(self) -> Path:
        """What can be rebuilt, and the proofs' lock."""
        return self.root / ".seedpipe"

    @property
    def lock_name(self) -> str:
        """The lock of this realm and profile, relative to `root`."""
        return lock_name(self.realm, self.profile)

    @property
    def lock_mutex(self) -> Path:
        """Held by whoever changes a lock of the project."""
        return self.folder / "lock.mutex"

    @property
    def decisions_name(self) -> str:
        """The record of decisions beside the lock, relative to `root`."""
        return decisions_name(self.lock_name)

    def write_moved(self) -> None:
        """Puts lines that the manifest's `moved` renames under their new names on disk, too. Writes only what differs."""
        path = self.root / self.lock_name
        if self.manifest.moved and path.exists():
            change_lock(
                path,
                shown_as=self.lock_name,
                mutex=self.lock_mutex,
                change=lambda present: with_moved(present, self.graph, self.manifest.moved)[0],
            )

    def make_sure_of_the_lock(self) -> None:
        """Before something is bought: that the lock can say so afterwards. Raises `StateError`."""
        make_sure_of_the_lock(self.root / self.lock_name, shown_as=self.lock_name, mutex=self.lock_mutex)

    def with_lock(self, lock: Lock) -> "Project":
        """The same project, now that its lock says this."""
        return replace(self, lock=lock, live_lock=lock if self.realm is Realm.LIVE else self.live_lock)

    @property
    def output_folder(self) -> str:
        return output_folder(self.realm, self.profile)

    @property
    def project_id(self) -> str | None:
        """Under which ledger and store are found; None before the first build of a project without `project:`."""
        return self.manifest.project or self.known_id

    def identified(self) -> "tuple[Project, str]":
        """With the id on disk under which ledger and store are found from now on, and that id."""
        if self.manifest.project is not None:
            return self, self.manifest.project
        make_folder(self.folder, 0o777)
        home = home_folder(os.environ)
        found = claim_id(self.root, realm=self.realm, profile=self.profile, mutex=self.lock_mutex, home=home)
        return replace(self, known_id=found), found

    def state(self, project_id: str) -> ProjectState:
        return ProjectState(home=home_folder(os.environ), project_id=project_id, realm=self.realm)

    def resolver(self) -> Resolver:
        """Proofs start from what live decided, so that a proof shows what live would do."""
        remembered = {**self.lock.resolved, **self.live_lock.resolved}
        return Resolver(catalogue=self.catalogue, provider=self.provider, remembered=remembered)

    def recollection(self, *, journal: Journal | None = None) -> Recollection:
        """What is remembered, for reading. A project that was never built here remembers its lock and outputs."""
        store = takes = None
        project_id = self.project_id
        if project_id is not None:
            places = self.state(project_id)
            if journal is None and is_there(places.journal):
                journal = Journal.open(places.journal, account="reader")
            store = Store(places.store)
            if places.takes.exists() or journal is not None:
                takes = Takes(places.takes, arrivals=journal.arrivals if journal else None)
            if takes is not None and journal is not None:
                takes.catch_up(*journal.arrivals_from(takes.mark))
        return Recollection(
            files=self.files,
            lock=self.lock,
            outputs=self.placed_outputs(),
            store=store,
            takes_index=takes,
            journal=journal,
        )

    def placed_outputs(self) -> Outputs:
        name = f"outputs{'.' + self.profile if self.profile else ''}.{self.realm.value}.json"
        return Outputs(self.files, self.folder / name)

    def plan(self, wish: Wish, memory: Recollection, *, workers: int) -> Plan:
        """The plan for `wish`, with its time forecast."""
        plan = make_plan(
            self.graph,
            lock=self.lock,
            catalogue=self.catalogue,
            provider=self.provider,
            resolver=self.resolver(),
            memory=memory,
            wish=wish,
            outputs=self.outputs,
            folder=self.output_folder,
            project=self.manifest.project or self.root.name,
            realm=self.realm,
        )
        plan = with_places(plan, lambda wanted: origins_of(self.manifest, self.files, self.graph.addresses, wanted))
        return replace(
            plan,
            time=self.time_of(plan, memory, workers=workers),
            host=self.host if self.realm is Realm.LIVE else None,
            project_id=self.project_id,
            profile=self.profile,
            variables=self.variables,
        )

    def time_of(self, plan: Plan, memory: Recollection, *, workers: int) -> Forecast:
        """How long a plan takes with so many requests at once."""
        means = Means(
            workers=workers,
            processors=os.cpu_count() or 1,
            images_per_minute={
                one.model: self.catalogue.model(one.model, self.provider).images_per_minute
                for node in plan.nodes.values()
                for one in node.purchases
                if one.model is not None
            },
        )
        return forecast(plan, self.latencies(memory), means)

    def with_graph(self, graph: Graph) -> "Project":
        """The same project with other nodes, as a manifest would make them."""
        outputs = {address: f"{self.output_folder}/{path}" for address, path in output_paths(graph).items()}
        return replace(self, graph=graph, outputs=outputs)

    def room_faults(self) -> Sequence[Fault]:
        """Texts that don't fit their pictures and crops that are larger, as far as sizes are known before a build."""
        sizes = PictureSizes(graph=self.graph, lock=self.lock, resolver=self.resolver(), file=self.files.picture_path)
        return room_faults(self.graph, font_files(self.files), sizes.of)

    def latencies(self, memory: Recollection) -> Latencies:
        """How long pictures take, by what is remembered and else by the catalogue."""
        return Latencies(took=memory.took, model=lambda model: self.catalogue.model(model, self.provider))

    def wanted(self) -> Wanted:
        """What the manifest asks for as its service; only the user decides (`project.trust`)."""
        return _wanted(self.manifest)

    def trusted(self) -> Trusted:
        return users_trust(self.settings)


def find_manifest(folder: Path, file: str | None) -> Path:
    """The manifest's path. Raises `UsageError` if there is none here or above."""
    if file is not None:
        path = folder / file
        if not path.is_file():
            raise UsageError(f"there is no file `{file}`", hint=f"leave `-f` out to have `{MANIFEST}` searched upwards")
        return path.resolve()
    here = folder.resolve()
    if not here.is_dir():
        raise UsageError(f"there is no folder `{folder}`", hint="`-C DIR` and `SEEDPIPE_DIR` name one that is there")
    for place in (here, *here.parents):
        if (place / MANIFEST).is_file():
            return place / MANIFEST
    raise UsageError(f"there is no `{MANIFEST}` here or above", hint="`seedpipe init` makes a project")


def open_project(
    manifest_path: Path,
    *,
    profile: str | None = None,
    variables: Mapping[str, str] | None = None,
    provider: str | None = None,
    realm: Realm = Realm.LIVE,
    tolerated: Collection[str] = (),
) -> Project:
    """Raises `ManifestError` with every fault of the manifest, `StateError` for a damaged lock, `UsageError`.

    Faults whose codes are `tolerated` stop nothing; they stand among the warnings.
    """
    root = manifest_path.parent
    files = WorkTreeFiles(root)
    settings = read_settings(config_folder(os.environ))
    catalogue = users_catalogue(settings)
    manifest, error = parse_what_is_sound(files, manifest_path.name, profile=profile, variables=variables)
    try:
        if error is not None:
            raise error
        expansion = expand(manifest, files)
        graph = link(expansion.nodes)
    except ManifestError as first:
        raise with_independent_faults(
            first, manifest, files, lambda graph: _linted(graph, manifest, catalogue, files, provider)
        ) from None
    chosen = provider_name(_wanted(manifest), catalogue=catalogue, environ=os.environ, flag=provider)
    catalogue, term_faults = _with_own_terms(manifest, catalogue)
    live_lock = load_lock(root / lock_name(Realm.LIVE, profile), shown_as=lock_name(Realm.LIVE, profile))
    lock = live_lock
    if realm is Realm.PROOF:
        name = lock_name(Realm.PROOF, profile)
        lock = load_lock(root / name, shown_as=name)
    resolver = Resolver(catalogue=catalogue, provider=chosen, remembered={**lock.resolved, **live_lock.resolved})
    live_lock, move_faults = with_moved(live_lock, graph, manifest.moved)
    lock = live_lock if realm is Realm.LIVE else with_moved(lock, graph, manifest.moved)[0]
    relative = output_paths(graph)
    faults = [
        *move_faults,
        *expansion.warnings,
        *manifest.warnings,
        *lint(graph, catalogue=catalogue, provider=chosen, resolver=resolver, outputs=relative),
        *term_faults,
        *file_faults(graph, files),
    ]
    if any(fault.severity is Severity.ERROR and fault.code not in tolerated for fault in faults):
        raise ManifestError(faults)
    folder = output_folder(realm, profile)
    return Project(
        root=root,
        files=files,
        manifest=manifest,
        graph=graph,
        catalogue=catalogue,
        settings=settings,
        provider=chosen,
        host=other_host(_wanted(manifest), provider=catalogue.provider(chosen), environ=os.environ, flag=provider),
        profile=profile,
        realm=realm,
        outputs={address: f"{folder}/{path}" for address, path in relative.items()},
        warnings=faults,
        live_lock=live_lock,
        lock=lock,
        known_id=known_id(root, profile),
        variables=variables or {},
    )


def _linted(
    graph: Graph, manifest: Manifest, catalogue: Catalogue, files: WorkTreeFiles, provider: str | None
) -> Sequence[Fault]:
    """What is wrong with a part of a project, whatever its lock says; nothing where the provider can't be told."""
    try:
        chosen = provider_name(_wanted(manifest), catalogue=catalogue, environ=os.environ, flag=provider)
        catalogue, _ = _with_own_terms(manifest, catalogue)
    except SeedpipeError:
        return ()
    resolver = Resolver(catalogue=catalogue, provider=chosen, remembered={})
    outputs = output_paths(graph)
    return [
        *lint(graph, catalogue=catalogue, provider=chosen, resolver=resolver, outputs=outputs),
        *file_faults(graph, files),
    ]


def output_folder(realm: Realm, profile: str | None) -> str:
    """Where the outputs of a realm and profile stand, relative to the project's folder."""
    parts = ["build", *(["@proof"] if realm is Realm.PROOF else []), *([f"@{profile}"] if profile else [])]
    return "/".join(parts)


def _wanted(manifest: Manifest) -> Wanted:
    provider = manifest.provider
    if provider is None:
        return Wanted()
    return Wanted(
        name=provider.name or provider.like,
        base_url=provider.base_url,
        key_variable=provider.api_key_env,
        position=provider.position,
    )


def terms_of(manifest: Manifest, catalogue: Catalogue) -> tuple[Catalogue, str]:
    """The catalogue with the manifest's terms, and its provider, whatever the user's environment says."""
    catalogue, _ = _with_own_terms(manifest, catalogue)
    return catalogue, provider_name(_wanted(manifest), catalogue=catalogue, environ={}, flag=None)


def _with_own_terms(manifest: Manifest, catalogue: Catalogue) -> tuple[Catalogue, Sequence[Fault]]:
    """The manifest's terms are of its own provider, whichever the user has chosen."""
    written = manifest.provider
    if written is None or not (written.prices or written.endpoints):
        return catalogue, ()
    own = provider_name(_wanted(manifest), catalogue=catalogue, environ={}, flag=None)
    return with_own_terms(catalogue, own, written)


def users_trust(settings: UserSettings) -> Trusted:
    """What the user said of hosts and keys."""
    credentials = Credentials(config_folder(os.environ))
    hosts = {trusted.host: trusted.key_env for trusted in settings.trusted}
    return Trusted(hosts=hosts, stored_key=credentials.key_for)


def users_catalogue(settings: UserSettings) -> Catalogue:
    """The shipped catalogue with the user's own files on top. Raises `UsageError`."""
    return load_catalogue([(str(path), _read_user_file(path)) for path in settings.catalogue_files])


def _read_user_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the catalogue file `{path}` can't be read: {why(error)}",
            hint="put it there, or take it out of `catalogue` in your settings",
        ) from error
