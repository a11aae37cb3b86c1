"""`seedpipe build`: make what the plan says."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from seedpipe.build.budget import Limits, consent_needed, limits_of, refuse_what_cannot_fit
from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation, project_options
from seedpipe.commands.opening import opened, remember_realm
from seedpipe.commands.showing import caps_of
from seedpipe.errors import ConsentError, UsageError
from seedpipe.events import BuildFinished, Event
from seedpipe.limits import ExitCode
from seedpipe.money import Money
from seedpipe.names import Realm
from seedpipe.plan.plan import Plan, without_purchases
from seedpipe.plan.price import currency_of
from seedpipe.plan.select import Wish, select
from seedpipe.project.building import (
    Run,
    Workshop,
    carry_out,
    fetch_located,
    open_workshop,
    plan_build,
    probe,
    proof_service,
)
from seedpipe.project.inputs import inputs_of_plan
from seedpipe.project.project import Project
from seedpipe.project.trust import Endpoint, open_endpoint
from seedpipe.review.plan_text import Caps, nothing_to_do, plan_text, plan_title
from seedpipe.review.progress import JsonLines, LiveProgress, PlainProgress, Progress

DEFAULT_WORKERS = 8


@click.command("build")
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@option("--proof", is_flag=True, help="On the embedded emulator: no key, nothing billed, outputs in build/@proof.")
@option("-y", "--yes", is_flag=True, help="Say yes to the price. Without a terminal, give a cap as well.")
@option("--max-cost", metavar="AMOUNT", help="Never spend more than this in the run, like `5` or `5 USD`.")
@option(
    "-j", "--jobs", type=click.IntRange(1, 512), default=DEFAULT_WORKERS, show_default=True, help="Requests at once."
)
@option("--fail-fast", is_flag=True, help="Start nothing new after the first failure.")
@option("--no-cascade", is_flag=True, help="Keep pictures that only a changed upstream would replace.")
@option("--exclude", multiple=True, metavar="TARGET", help="Leave these out.")
@option("--frozen", is_flag=True, help="Make what is free; exit with 3 if anything would be bought.")
@option("--retry-unknown", is_flag=True, help="Send again what may have been charged: it may pay twice.")
@option("--retry-blocked", is_flag=True, help="Send again what moderation refused.")
@option(
    "--events",
    "events_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write events as JSON lines.",
)
@project_options
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    targets: tuple[str, ...],
    proof: bool,
    yes: bool,
    max_cost: str | None,
    jobs: int,
    fail_fast: bool,
    no_cascade: bool,
    exclude: tuple[str, ...],
    frozen: bool,
    retry_unknown: bool,
    retry_blocked: bool,
    events_file: Path | None,
    provider: str | None,
    variables: tuple[str, ...],
    profile: str | None,
    as_json: bool,
) -> int:
    """Make the pictures that are missing or changed, as concurrently as the service allows.

    What is unchanged is skipped, what was paid is kept, what was sent without an answer is never sent again by itself.
    A TARGET names a picture, a group (`banner`), an axis (`banner/market=ja`), a tag (`tag:launch`) or a glob;
    `+x` also refreshes what x is made from, `x+` adds what is made from x.

    \b
    Example:
      seedpipe build --proof
      seedpipe build hero --yes --max-cost 1
    """

    def open_in(realm: Realm) -> Project:
        return opened(invocation, profile=profile, variables=variables, provider=provider, proof=proof, realm=realm)

    project, endpoint = _in_its_realm(open_in, proof=proof, provider=provider)
    wish = Wish(
        selection=select(project.graph, targets, exclude=exclude),
        targets=targets,
        retry_unknown=retry_unknown,
        retry_blocked=retry_blocked,
        cascade=not no_cascade,
    )
    currency = currency_of(project.catalogue, project.provider)
    limits = limits_of(project.manifest.budget, project.settings, _money(max_cost, currency))
    run = Run(workers=jobs, limits=limits, fail_fast=fail_fast, retry_unknown=retry_unknown)
    with contextlib.ExitStack() as stack:
        workshop = stack.enter_context(open_workshop(project, endpoint))
        plan = plan_build(workshop, wish, workers=jobs)
        if (plan.pictures and not frozen) or workshop.recovery.to_fetch:
            endpoint = endpoint or _endpoint_for(workshop, stack, proof=proof, provider=provider)
        if workshop.recovery.to_fetch and endpoint is not None:
            run = replace(run, fetched=asyncio.run(fetch_located(workshop, endpoint)))
            plan = plan_build(workshop, wish, workers=jobs)
        would_buy = plan.pictures
        plan = without_purchases(plan) if frozen else plan
        _agree(invocation, workshop, plan, limits, yes=yes)
        code = _run(invocation, stack, workshop, plan, endpoint, run, events_file, as_json=as_json)
        at_rest = nothing_to_do(plan) and not (would_buy or endpoint or events_file or workshop.memory.under_way)
    if at_rest:
        invocation.rests_on = inputs_of_plan(project, plan, searched=invocation.searched)
    return ExitCode.CHANGES if frozen and would_buy and code == ExitCode.DONE else code


def _in_its_realm(
    open_in: Callable[[Realm], Project], *, proof: bool, provider: str | None
) -> tuple[Project, Endpoint | None]:
    """The project, and the service that the environment names, if any: that one is asked whether it is an emulator."""
    project = open_in(Realm.PROOF if proof else Realm.LIVE)
    if proof or not os.environ.get("SEEDPIPE_BASE_URL"):
        return project, None
    endpoint = _users_endpoint(project, provider)
    is_emulator = probe(endpoint).is_emulator
    remember_realm(endpoint.base_url, is_emulator=is_emulator)
    return open_in(Realm.PROOF) if is_emulator else project, endpoint


def _endpoint_for(workshop: Workshop, stack: contextlib.ExitStack, *, proof: bool, provider: str | None) -> Endpoint:
    """Where this build buys: its own emulator, or what manifest and user agree on."""
    if proof:
        return stack.enter_context(proof_service(workshop.project))
    endpoint = _users_endpoint(workshop.project, provider)
    workshop.use(endpoint)
    return endpoint


def _users_endpoint(project: Project, provider: str | None) -> Endpoint:
    return open_endpoint(
        project.wanted(), catalogue=project.catalogue, environ=os.environ, flag=provider, trusted=project.trusted()
    )


def _agree(invocation: Invocation, workshop: Workshop, plan: Plan, limits: Limits, *, yes: bool) -> None:
    """Show the plan; refuse what no cap allows; ask for a yes. A proof costs nothing and asks nothing."""
    spent = workshop.spent(plan.currency)
    live = plan.realm is Realm.LIVE
    if live:
        refuse_what_cannot_fit(plan, limits, spent)
    _show(invocation, plan, caps_of(limits, spent, plan))
    in_ci = bool(os.environ.get("CI"))
    if live and consent_needed(plan, limits, yes=yes, interactive=_interactive(), in_ci=in_ci):
        pictures = f"{plan.pictures} picture{'s' if plan.pictures != 1 else ''}"
        if not click.confirm(f"buy {pictures} for {plan.cost.high} at most?", err=True):
            raise ConsentError("nothing was bought", hint="`seedpipe plan` shows the price without asking")


def _money(text: str | None, currency: str) -> Money | None:
    if text is None:
        return None
    try:
        return Money.parse(text, default_currency=currency)
    except ValueError as error:
        raise UsageError(f"`--max-cost`: {error}") from None


def _interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _show(invocation: Invocation, plan: Plan, caps: Caps) -> None:
    console = invocation.console
    width, style = console.err_width, console.err_style
    if nothing_to_do(plan) and not console.verbose:  # the last line of the build says so
        console.note(plan_title(plan, width, style))
    else:
        console.note(plan_text(plan, width=width, style=style, caps=caps, verbose=console.verbose))


def _run(
    invocation: Invocation,
    stack: contextlib.ExitStack,
    workshop: Workshop,
    plan: Plan,
    endpoint: Endpoint | None,
    run: Run,
    events_file: Path | None,
    *,
    as_json: bool,
) -> int:
    listeners: list[Progress] = [_progress(invocation, workshop.project)]
    if events_file is not None:
        listeners.append(stack.enter_context(_events_in(events_file, invocation)))
    finished: list[BuildFinished] = []

    def emit(event: Event) -> None:
        if isinstance(event, BuildFinished):
            finished.append(event)
        for listener in listeners:
            listener(event)

    try:
        result = carry_out(workshop, plan, endpoint, run, emit)
    finally:
        for listener in listeners:
            listener.close()
    if as_json:
        invocation.console.data({"seedpipe_build": 1, "plan": plan.to_dict(), "result": finished[-1].to_dict()})
    return int(result.exit_code)


@contextlib.contextmanager
def _events_in(path: Path, invocation: Invocation) -> Iterator[JsonLines]:
    """A listener that writes JSON lines. A disk that fills up stops no build; it is said at the end."""
    try:
        stream = path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"`{path}` can't be written: {error.strerror}") from error
    lines = JsonLines(stream)
    try:
        yield lines
    finally:
        with contextlib.suppress(OSError):  # closing tries once more what could not be written
            stream.close()
        if lines.trouble is not None:
            invocation.console.err(f"warning: `{path}`: {lines.trouble}")


def _progress(invocation: Invocation, project: Project) -> Progress:
    console = invocation.console
    if console.interactive:
        return LiveProgress(
            console.stderr,
            size=lambda: _terminal_size(console.stderr.fileno()),
            style=console.err_style,
            outputs=project.output_folder,
            verbose=console.verbose,
            clock=time.monotonic,
        )
    return PlainProgress(
        console.stderr,
        outputs=project.output_folder,
        quiet=console.quiet,
        verbose=console.verbose,
        width=console.err_width,
    )


def _terminal_size(descriptor: int) -> tuple[int, int]:
    size = os.get_terminal_size(descriptor)
    return size.columns, size.lines
