"""What verbs that buy share: the service that is asked, the yes to the price, and a plan carried out in sight."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from seedpipe.build.budget import (
    CAP_FLAGS,
    Limits,
    Surroundings,
    caps_asked,
    consent_needed,
    idle_caps,
    idle_words,
    limits_of,
    refuse_what_cannot_fit,
)
from seedpipe.commands.invocation import Function, Invocation
from seedpipe.commands.opening import ProjectFlags, remember_realm
from seedpipe.commands.showing import caps_of, spent_this_month
from seedpipe.errors import ConsentError, UsageError, why
from seedpipe.events import BuildFinished, Event, NodeFailed
from seedpipe.names import Realm
from seedpipe.plan.plan import Plan
from seedpipe.plan.price import currency_of
from seedpipe.project.building import Run, Workshop, carry_out, fetch_located
from seedpipe.project.project import Project
from seedpipe.project.service import probe, proof_service
from seedpipe.project.trust import Endpoint, open_endpoint
from seedpipe.review.command_flags import with_flags
from seedpipe.review.plan_text import Caps, nothing_to_do, plan_text, plan_title, rest_words
from seedpipe.review.progress import JsonLines, LiveProgress, PlainProgress, Progress
from seedpipe.state.caps import CapKind


def in_its_realm(
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


def ready_to_buy(
    workshop: Workshop,
    stack: contextlib.ExitStack,
    flags: ProjectFlags,
    endpoint: Endpoint | None,
    run: Run,
    make_plan: Callable[[], Plan],
    *,
    frozen: bool = False,
) -> tuple[Plan, Endpoint | None, Run]:
    """The plan, after what is paid was fetched. A service is opened if something is to be fetched or bought from it."""
    plan = make_plan()
    if (plan.pictures and not frozen) or workshop.to_fetch:
        endpoint = endpoint or _endpoint_for(workshop, stack, proof=flags.proof, provider=flags.provider)
    if workshop.to_fetch and endpoint is not None:
        run = replace(run, fetched=asyncio.run(fetch_located(workshop, endpoint)))
        plan = make_plan()
    return plan, endpoint, run


def _users_endpoint(project: Project, provider: str | None) -> Endpoint:
    return open_endpoint(
        project.wanted(), catalogue=project.catalogue, environ=os.environ, flag=provider, trusted=project.trusted()
    )


def agree(invocation: Invocation, workshop: Workshop, plan: Plan, limits: Limits, *, yes: bool) -> None:
    """Show the plan; refuse what no cap allows, or no disk; ask for a yes. A proof costs nothing and asks nothing."""
    live = plan.realm is Realm.LIVE
    if plan.pictures:
        workshop.project.make_sure_of_the_lock()
    used = workshop.used_under(limits.caps) if live else {}
    if live:
        for cap in idle_caps(limits, plan.currency) if plan.pictures else ():
            invocation.console.warning(idle_words(cap, plan.currency), hint=f"give the cap in {plan.currency}")
        refuse_what_cannot_fit(plan, limits, used, workshop.spent_on)
    month = spent_this_month(workshop.journal, plan.currency)
    _show(invocation, plan, caps_of(limits, used, plan, month=month))
    where = Surroundings(
        interactive=_interactive(), in_ci=is_ci(os.environ), lasts=bool(os.environ.get("SEEDPIPE_HOME"))
    )
    if live and consent_needed(plan, limits, where, yes=yes):
        pictures = f"{plan.pictures} picture{'s' if plan.pictures != 1 else ''}"
        if not click.confirm(f"buy {pictures} for {plan.cost.high} at most?", err=True):
            raise ConsentError("nothing was bought", hint="`seedpipe plan` shows the price without asking")


def cap_options(function: Function) -> Function:
    """The flags of every verb that buys, one a kind of cap. Their variables bind beside them, so none is read here."""
    helps = {
        CapKind.PROJECT: "for the project, ever",
        CapKind.PER_MONTH: "in the month, in all your projects together",
        CapKind.PER_DAY: "in the day (UTC), in all your projects together",
        CapKind.PER_NODE: "for one picture, ever",
        CapKind.PER_RUN: "in this run, like `5` or `5 USD`",
    }
    for kind, words in helps.items():
        flag = click.option(
            CAP_FLAGS[kind], kind.value, multiple=True, metavar="AMOUNT", help=f"Never spend more than this {words}."
        )
        function = flag(function)
    return function


def limits_asked(project: Project, flags: Mapping[str, Sequence[str]]) -> Limits:
    """All caps of a run; `flags` are the parameters of `cap_options`. Raises `UsageError` for what is no amount."""
    by_kind = {kind: flags[kind.value] for kind in CapKind}
    currency = currency_of(project.catalogue, project.provider)
    return limits_of(project.manifest.budget, project.settings, caps_asked(by_kind, os.environ, currency))


def is_ci(environ: Mapping[str, str]) -> bool:
    """Whether an automaton runs this: nobody answers there, whatever the terminal looks like."""
    return environ.get("CI", "").lower() not in ("", "0", "false", "no")


def _interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _show(invocation: Invocation, plan: Plan, caps: Caps) -> None:
    console = invocation.console
    width, style = console.err_width, console.err_style
    if nothing_to_do(plan) and not console.verbose:  # the last line of the build says so
        console.note(plan_title(plan, width, style))
    else:
        console.note(
            plan_text(plan, width=width, style=style, caps=caps, verbose=console.verbose, flags=invocation.flags)
        )


def run_plan(
    invocation: Invocation,
    workshop: Workshop,
    plan: Plan,
    endpoint: Endpoint | None,
    run: Run,
    *,
    events_file: Path | None = None,
    also: Callable[[Event], None] | None = None,
    rest: str | None = None,
) -> BuildFinished:
    """Carries the plan out while the console shows how far it is; `also` hears the events, too. Returns the last one.

    `rest` is said if there was nothing to do (`rest_words`); None: as `plan` says it.
    """
    finished: list[BuildFinished] = []
    with contextlib.ExitStack() as stack:
        shown = _progress(invocation, workshop.project, rest or rest_words(plan))
        listeners: list[Progress] = []
        if events_file is not None:
            listeners.append(stack.enter_context(_events_in(events_file, invocation)))

        def emit(event: Event) -> None:
            if isinstance(event, BuildFinished):
                finished.append(event)
            if also is not None:
                also(event)
            for listener in listeners:
                listener(event)
            if isinstance(event, NodeFailed) and event.hint is not None:  # for people: the command about these pictures
                event = replace(event, hint=with_flags(event.hint, invocation.flags))
            shown(event)

        try:
            carry_out(workshop, plan, endpoint, run, emit)
        finally:
            for listener in (*listeners, shown):
                listener.close()
    return finished[-1]


@contextlib.contextmanager
def _events_in(path: Path, invocation: Invocation) -> Iterator[JsonLines]:
    """A listener that writes JSON lines. A disk that fills up stops no build; it is said at the end."""
    try:
        stream = path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"`{path}` can't be written: {why(error)}", hint="name a file in a folder that is there"
        ) from error
    lines = JsonLines(stream)
    try:
        yield lines
    finally:
        with contextlib.suppress(OSError):  # closing tries once more what could not be written
            stream.close()
        if lines.trouble is not None:
            invocation.console.warning(
                f"`{path}`: {lines.trouble}", hint="the build itself is unharmed; name another file next time"
            )


def _progress(invocation: Invocation, project: Project, rest: str) -> Progress:
    console = invocation.console
    if console.interactive:
        return LiveProgress(
            console.stderr,
            size=lambda: _terminal_size(console.stderr.fileno()),
            style=console.err_style,
            outputs=project.output_folder,
            verbose=console.verbose,
            clock=time.monotonic,
            rest=rest,
            flags=invocation.flags,
        )
    return PlainProgress(
        console.stderr,
        outputs=project.output_folder,
        quiet=console.quiet,
        verbose=console.verbose,
        width=console.err_width,
        rest=rest,
        flags=invocation.flags,
    )


def _terminal_size(descriptor: int) -> tuple[int, int]:
    size = os.get_terminal_size(descriptor)
    return size.columns, size.lines
