"""`build --plan FILE`: a saved plan read, and the command line held to what it says."""

import os
from dataclasses import replace
from pathlib import Path

from seedpipe.commands.invocation import Invocation
from seedpipe.commands.opening import ProjectFlags
from seedpipe.commands.wishing import WishFlags
from seedpipe.errors import UsageError, why
from seedpipe.limits import MAX_FILE_BYTES
from seedpipe.names import Realm
from seedpipe.plan.saved import SavedPlan, read_saved_plan
from seedpipe.plan.select import Wish
from seedpipe.project.project import Project


def saved_plan_of(invocation: Invocation, path: Path) -> SavedPlan:
    """Raises `UsageError` for what can't be read or is no plan of ours."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"`{path}` can't be read: {why(error)}", hint="`seedpipe plan -o FILE` saves a plan"
        ) from error
    name, text = str(path), data.decode("utf-8", errors="replace")
    invocation.sources.append(lambda file: text if file == name else None)
    return read_saved_plan(data, name)


def terms_of(saved: SavedPlan, wishes: WishFlags, flags: ProjectFlags, *, frozen: bool) -> ProjectFlags:
    """The flags that the plan was made with; one beside it may only say the same. Raises `UsageError`."""
    if wishes.targets or wishes.exclude:
        raise UsageError("`--plan` says already which pictures are built", hint="leave out the targets")
    said = {
        "--no-cascade": not saved.cascade,
        "--retry-unknown": saved.retry_unknown,
        "--retry-blocked": saved.retry_blocked,
        "--through-gates": saved.through_gates,
    }
    own = tuple(f"{name}={value}" for name, value in saved.variables.items())
    differ = [
        name for name, given in {**wishes.given, "--frozen": frozen}.items() if given and not said.get(name, False)
    ]
    differ += ["--profile"] * (flags.profile is not None and flags.profile != saved.profile)
    differ += ["--var"] * (bool(flags.variables) and sorted(flags.variables) != sorted(own))
    differ += ["--proof"] * (flags.proof and saved.realm is not Realm.PROOF)
    if differ:
        leave = f"leave `{differ[0]}` out"
        hint = leave if differ[0] == "--frozen" else f"plan anew with it, or {leave}"
        raise UsageError(f"`{saved.file}` was made without this `{differ[0]}`", hint=hint)
    # variables without a profile are for `--proof` alone (`variables_of`), which brings an emulator of its own
    has_service = bool(os.environ.get("SEEDPIPE_BASE_URL")) and (saved.profile is not None or not own)
    proof = flags.proof or (saved.realm is Realm.PROOF and not has_service)
    return replace(flags, profile=saved.profile, variables=own, proof=proof)


def wish_of(saved: SavedPlan, project: Project) -> Wish:
    """Raises `UsageError` for another project, provider or realm than the plan was made for."""
    _check_project(saved, project)
    return saved.wish_for(project.graph)


def _check_project(saved: SavedPlan, project: Project) -> None:
    if saved.project_id and project.project_id and saved.project_id != project.project_id:
        raise UsageError(
            f"`{saved.file}` is a plan of the project `{saved.project_id}`, this is `{project.project_id}`",
            hint="carry it out there, or plan anew here",
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
