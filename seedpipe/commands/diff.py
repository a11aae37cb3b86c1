"""`seedpipe diff`: what changed since a git revision: words, parameters, references, pictures, cost."""

from pathlib import Path

import click

from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation
from seedpipe.errors import UsageError
from seedpipe.limits import ExitCode
from seedpipe.money import Money
from seedpipe.plan.compare import compare
from seedpipe.plan.diff import ProjectDiff
from seedpipe.plan.places import diff_with_places
from seedpipe.project.diff_pictures import live_store, thumbnails
from seedpipe.project.project import find_manifest
from seedpipe.project.snapshot import Snapshot, snapshot
from seedpipe.review.diff_markdown import diff_markdown
from seedpipe.review.diff_page import diff_page, pictured
from seedpipe.review.diff_text import diff_text

FORMATS = ("text", "json", "markdown", "html")


@click.command("diff")
@click.argument("revision", required=False, default="HEAD", metavar="[REV|REV..REV]")
@option("--format", "form", type=click.Choice(FORMATS), default="text", help="How it is written.")
@option("--exit-code", is_flag=True, help="Exit with 3 if anything changed.")
@option("--warn-above", metavar="AMOUNT", help="Say so if building the change may cost more, like `1 USD`.")
@option("--deny-above", metavar="AMOUNT", help="Exit with 4 if building the change may cost more.")
@option("--profile", metavar="NAME", help="A profile of the manifest, with a lock of its own.")
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    revision: str,
    form: str,
    exit_code: bool,
    warn_above: str | None,
    deny_above: str | None,
    profile: str | None,
    as_json: bool,
) -> int:
    """Compare the project with how it was at REV (default: HEAD), or one revision with another.

    Needs no key, no network and no pictures: both sides are read from git, and costs are those of the change alone.
    A change of provider, prices or budget is said first. `--format html` is one page with the pictures before and
    after; `--format markdown` is a comment for a pull request, which begins with a mark to find it again by.

    \b
    Example:
      seedpipe diff
      seedpipe diff main --format markdown
      seedpipe diff v1..v2 --format html > changes.html
    """
    path = find_manifest(invocation.folder, invocation.file)
    invocation.folder, invocation.file = path.parent, path.name
    old, new = _revisions(revision)
    before, after = (snapshot(path.parent, path.name, name, profile=profile) for name in (old, new))
    diff = diff_with_places(compare(before.side, after.side), after.trace)
    currency = after.side.plan.currency
    warn, deny = (_money(text, currency) for text in (warn_above, deny_above))
    policy = []
    if _passes(diff, deny):
        policy = [f"denied: building this change costs up to {diff.cost.high}, and {deny} is allowed"]
    elif _passes(diff, warn):
        policy = [f"building this change costs up to {diff.cost.high}, more than {warn}"]
    console = invocation.console
    if as_json or form == "json":
        console.data(diff.to_dict() | {"policy": policy})
    elif form == "markdown":
        console.out(diff_markdown(diff, policy=policy))
    elif form == "html":
        console.out(_page(path, profile, diff, (before, after), policy))
    else:
        console.out(diff_text(diff, width=console.width, style=console.style))
        for sentence in policy:
            console.err(console.err_style.paint(sentence, "bold", "yellow"))
    if _passes(diff, deny):
        return ExitCode.REFUSED
    return ExitCode.CHANGES if exit_code and not diff.is_empty else ExitCode.DONE


def _revisions(text: str) -> tuple[str, str | None]:
    """`REV` against the work tree, `A..B` one against the other; an empty side of `..` is HEAD, as git has it."""
    if "..." in text:
        raise UsageError(f"`{text}` has three dots", hint="name the common ancestor: `$(git merge-base A B)..B`")
    old, dots, new = text.partition("..")
    return old or "HEAD", (new or "HEAD") if dots else None


def _money(text: str | None, currency: str) -> Money | None:
    if text is None:
        return None
    try:
        money = Money.parse(text, default_currency=currency)
    except ValueError as error:
        raise UsageError(str(error), hint="write an amount like `5` or `0.50 USD`") from None
    if money.currency != currency:
        raise UsageError(f"a limit in {money.currency} can't bind costs in {currency}", hint=f"give it in {currency}")
    return money


def _passes(diff: ProjectDiff, limit: Money | None) -> bool:
    return limit is not None and diff.cost.high > limit


def _page(
    path: Path, profile: str | None, diff: ProjectDiff, sides: tuple[Snapshot, Snapshot], policy: list[str]
) -> str:
    manifest = sides[1].side.manifest
    store = live_store(path.parent, manifest.project if manifest else None, profile)
    return diff_page(diff, thumbnails(pictured(diff), *sides, store), policy=policy)
