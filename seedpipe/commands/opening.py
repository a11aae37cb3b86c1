"""From flags to an opened project: what every verb that reads one does first."""

import json
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from seedpipe.commands.invocation import Function, Invocation, gathered, option, project_options
from seedpipe.errors import UsageError
from seedpipe.names import Realm
from seedpipe.project.project import Project, find_manifest, open_project
from seedpipe.review.command_flags import flags_of
from seedpipe.state.files import FileLock, write_atomically
from seedpipe.state.home import home_folder


def variables_of(pairs: Sequence[str], *, allowed: bool) -> dict[str, str]:
    """`--var key=value` pairs. Raises `UsageError` where they would rewrite the shared lock."""
    if pairs and not allowed:
        raise UsageError(
            "`--var` needs a profile or a proof: it must not rewrite the shared lock", hint="add `--profile NAME`"
        )
    variables = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(
                f"`--var {pair}` names no value", hint="write `--var name=value`, with a name of `vars` in the manifest"
            )
        variables[name] = value
    return variables


def opened(
    invocation: Invocation,
    *,
    profile: str | None = None,
    variables: Sequence[str] = (),
    provider: str | None = None,
    proof: bool = False,
    realm: Realm | None = None,
    tolerated: Collection[str] = (),
) -> Project:
    """The project that the command line means. Its texts are at hand for errors, also when it can't be opened."""
    manifest_path = find_manifest(invocation.folder, invocation.file)
    invocation.searched = invocation.folder
    invocation.folder = manifest_path.parent
    invocation.file = manifest_path.name
    realm = realm or (Realm.PROOF if proof else remembered_realm())
    invocation.flags = flags_of(proof=proof, profile=profile, variables=variables, provider=provider)
    return open_project(
        manifest_path,
        profile=profile,
        variables=variables_of(variables, allowed=proof or profile is not None),
        provider=provider,
        realm=realm,
        tolerated=tolerated,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFlags:
    """Which project is meant, and in which clothes: the flags of most verbs."""

    profile: str | None
    variables: tuple[str, ...]
    provider: str | None
    proof: bool

    def opened(self, invocation: Invocation, realm: Realm | None = None) -> Project:
        return opened(
            invocation,
            profile=self.profile,
            variables=self.variables,
            provider=self.provider,
            proof=self.proof,
            realm=realm,
        )


def project_flags(proof: str) -> Callable[[Function], Function]:
    """The options of `ProjectFlags`, which the command gets as `flags`; `proof` is the help of `--proof`."""

    def decorate(function: Function) -> Function:
        function = project_options(gathered("flags", ProjectFlags)(function))
        return option("--proof", is_flag=True, help=proof)(function)

    return decorate


def remembered_realm() -> Realm:
    """Live, unless the user's base URL was last seen to be an emulator: `plan` asks no network."""
    url = os.environ.get("SEEDPIPE_BASE_URL", "").rstrip("/")
    return Realm.PROOF if url and url in _emulators(_record()) else Realm.LIVE


def remember_realm(base_url: str, *, is_emulator: bool) -> None:
    """What the server at a base URL said it is, for plans to come."""
    record = _record()
    if (base_url in _emulators(record)) is is_emulator:
        return
    with FileLock(record.with_name(f".{record.name}.lock")):  # builds that begin together don't forget each other's
        others = sorted(_emulators(record) - {base_url})
        seen = [*others[:99], base_url] if is_emulator else others
        write_atomically(record, json.dumps(sorted(seen)).encode())


def _record() -> Path:
    return home_folder(os.environ) / "emulators.json"


def _emulators(record: Path) -> set[str]:
    try:
        return {str(url) for url in json.loads(record.read_bytes())}
    except (OSError, ValueError, TypeError):
        return set()
