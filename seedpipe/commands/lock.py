"""`seedpipe lock`: bring the lock of two branches together; take out what left the manifest."""

from collections.abc import Mapping
from pathlib import Path

import click

from seedpipe.commands.deciding import Flags, decision_options, project_of, tell
from seedpipe.commands.invocation import Invocation, VerbGroup, json_option, option, pass_invocation, pictures
from seedpipe.errors import UsageError
from seedpipe.limits import ExitCode
from seedpipe.plan.following import Outcome
from seedpipe.plan.orphans import choose_orphans
from seedpipe.project.deciding import Change, open_desk
from seedpipe.project.merging import merge_files, merge_in_place, unmerged_locks
from seedpipe.project.project import find_manifest
from seedpipe.review.lock_text import kept_words, merge_text, prune_text, unnamed_words
from seedpipe.state.decisions import Verb
from seedpipe.state.merge import Merged, Side


@click.group("lock", cls=VerbGroup)
def command() -> None:
    """Look after `seedpipe.lock`, the record of the chosen pictures.

    \b
    Example:
      seedpipe lock merge
      seedpipe lock prune
    """


@command.command("merge", short_help="Bring both sides of a merge together.")
@click.argument("files", nargs=-1, metavar="[BASE OURS THEIRS [NAME]]", type=click.Path(path_type=Path, dir_okay=False))
@option(
    "--prefer",
    type=click.Choice([side.value for side in Side]),
    help="Whose word counts where two people chose otherwise.",
)
@json_option
@pass_invocation
def merge(invocation: Invocation, files: tuple[Path, ...], prefer: str | None, as_json: bool) -> int:
    """Bring both sides of a merge together, without losing a take or a choice.

    Without files: every lock of the project that has conflict markers. Where two people chose different pictures, the
    markers stay around that line, and the exit code is 1: keep one of the two lines, or say `--prefer`.

    With files it is a merge driver for git: `git config merge.seedpipe.driver "seedpipe lock merge %O %A %B %P"` and
    `seedpipe*.lock merge=seedpipe` in `.gitattributes`.

    \b
    Example:
      seedpipe lock merge
      seedpipe lock merge --prefer theirs
    """
    side = None if prefer is None else Side(prefer)
    merged: Mapping[str, Merged]
    if files:
        if len(files) not in (3, 4):
            raise UsageError(
                "`lock merge` takes three files, BASE OURS THEIRS, and the lock's name, or none",
                hint="without files it merges the project's locks",
            )
        base, ours, theirs, *name = files
        merged = {str(name[0] if name else ours): merge_files(base, ours, theirs, side)}
    else:
        root = find_manifest(invocation.folder, invocation.file).parent
        merged = {name: merge_in_place(root, name, side) for name in unmerged_locks(root)}
    console = invocation.console
    disputed = side is None and any(one.disputes for one in merged.values())
    if as_json:
        console.data(
            {
                "seedpipe_lock_merge": 1,
                "locks": [
                    {
                        "lock": name,
                        "disputes": [dispute.address for dispute in one.disputes],
                        "remarks": list(one.remarks),
                        "preferred": prefer,
                    }
                    for name, one in merged.items()
                ],
            }
        )
    else:
        text = merge_text(merged, prefer=side, width=console.width, by_git=bool(files))
        if text:
            console.out(text)
    return ExitCode.FAILED if disputed else ExitCode.DONE


@command.command("prune", short_help="Take out lines that left the manifest.")
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=pictures)
@option("--dry-run", is_flag=True, help="Say what would be taken out, and take nothing out.")
@decision_options
def prune(invocation: Invocation, targets: tuple[str, ...], dry_run: bool, flags: Flags) -> int:
    """Take lines out of the lock whose pictures have left the manifest.

    A picture that somebody approved or pinned goes only if TARGET names it. Bought pictures stay in the store, and
    `seedpipe undo` brings the lines back.

    \b
    Example:
      seedpipe lock prune --dry-run
      seedpipe lock prune 'old-hero/*' -m "the autumn campaign is over"
    """
    project = project_of(invocation, flags)
    chosen = choose_orphans(project.lock, project.graph.addresses, targets)
    console = invocation.console
    if dry_run or not chosen.pruned:
        if flags.as_json:
            console.data(
                {
                    "seedpipe_lock_prune": 1,
                    "would_prune": list(chosen.pruned),
                    "kept": list(chosen.kept_on_purpose),
                    "unnamed": [str(take) for take in chosen.unnamed],
                }
            )
        else:
            console.out(prune_text(chosen, width=console.width))
        return ExitCode.DONE
    with open_desk(project) as desk:
        changes = [Change(name=name, before=project.lock.entries[name], after=None) for name in chosen.pruned]
        outcome = Outcome(verb=Verb.PRUNE, decisions=desk.record(Verb.PRUNE, changes, note=flags.note), plan=None)
        remarks = unnamed_words(chosen, "`seedpipe undo` brings the lines back")
        remarks += [kept_words(chosen)] if chosen.kept_on_purpose else []
        return tell(invocation, flags, desk, outcome, remarks=remarks)
