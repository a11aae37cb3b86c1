"""`build --plan FILE`: a saved plan read, and the command line held to what it says."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seedpipe.commands.invocation import Invocation
from seedpipe.errors import UsageError
from seedpipe.limits import MAX_FILE_BYTES
from seedpipe.names import Realm
from seedpipe.plan.saved import SavedPlan, read_saved_plan
from seedpipe.project.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """With which flags a plan is carried out: its own."""

    profile: str | None
    variables: tuple[str, ...]
    proof: bool


def saved_plan_of(invocation: Invocation, path: Path) -> SavedPlan:
    """Raises `UsageError` for what can't be read or is no plan of ours."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"`{path}` can't be read: {error.strerror}", hint="`seedpipe plan -o FILE` saves a plan"
        ) from error
    name, text = str(path), data.decode("utf-8", errors="replace")
    invocation.sources.append(lambda file: text if file == name else None)
    return read_saved_plan(data, name)


def terms_of(
    saved: SavedPlan,
    *,
    targets: Sequence[str],
    exclude: Sequence[str],
    flags: Mapping[str, bool],
    profile: str | None,
    variables: Sequence[str],
    proof: bool,
) -> Terms:
    """The plan's own; a flag beside it may only say the same. Raises `UsageError`.

    `flags` are those of the wish, by their names on the command line.
    """
    if targets or exclude:
        raise UsageError("`--plan` says already which pictures are built", hint="leave out the targets")
    said = {
        "--no-cascade": not saved.cascade,
        "--retry-unknown": saved.retry_unknown,
        "--retry-blocked": saved.retry_blocked,
        "--through-gates": saved.through_gates,
    }
    own = tuple(f"{name}={value}" for name, value in saved.variables.items())
    differ = [name for name, given in flags.items() if given and not said.get(name, False)]
    differ += ["--profile"] * (profile is not None and profile != saved.profile)
    differ += ["--var"] * (bool(variables) and sorted(variables) != sorted(own))
    differ += ["--proof"] * (proof and saved.realm is not Realm.PROOF)
    if differ:
        raise UsageError(
            f"`{saved.file}` was made without this `{differ[0]}`", hint="plan anew with it, or leave it out"
        )
    # variables without a profile are for `--proof` alone (`variables_of`), which brings an emulator of its own
    has_service = bool(os.environ.get("SEEDPIPE_BASE_URL")) and (saved.profile is not None or not own)
    return Terms(
        profile=saved.profile,
        variables=own,
        proof=proof or (saved.realm is Realm.PROOF and not has_service),
    )


def check_project(saved: SavedPlan, project: Project) -> None:
    """Raises `UsageError` for another project, provider or realm than the plan was made for."""
    if saved.project_id and project.project_id and saved.project_id != project.project_id:
        raise UsageError(
            f"`{saved.file}` is a plan of the project `{saved.project_id}`, this is `{project.project_id}`"
        )
    if saved.provider != project.provider:
        raise UsageError(
            f"`{saved.file}` is for the provider `{saved.provider}`, this build is for `{project.provider}`",
            hint=f"add `--provider {saved.provider}`, or plan anew",
        )
    if saved.realm is not project.realm:
        was, is_now = ("proofs", "live") if saved.realm is Realm.PROOF else ("live pictures", "an emulator")
        raise UsageError(
            f"`{saved.file}` is a plan of {was}, and this service is {is_now}",
            hint=f"`seedpipe plan -o {saved.file}` plans anew, now that the service is known",
        )
