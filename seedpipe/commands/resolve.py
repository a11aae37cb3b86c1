"""`seedpipe resolve`: say whether what was sent and never answered was charged."""

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import click

from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation, pictures, project_options
from seedpipe.commands.opening import opened
from seedpipe.console import Console
from seedpipe.errors import UsageError
from seedpipe.limits import ExitCode
from seedpipe.money import Money
from seedpipe.plan.plan import PlanNode
from seedpipe.plan.select import Wish, select
from seedpipe.project.building import Workshop, open_workshop, plan_build
from seedpipe.project.uncertain import Named, named_held, named_requests
from seedpipe.project.who import who_decides
from seedpipe.review.held_text import Resolved, held_data, held_text, resolved_data, resolved_text
from seedpipe.state.held import Held, minute_text
from seedpipe.state.journal_schema import is_there


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """What the command line says. `paid` None: nothing yet."""

    paid: bool | None
    undo: bool
    charge: Money | None
    note: str | None
    who: str


@click.command("resolve")
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=pictures)
@click.option("--paid/--not-paid", "paid", default=None, help="What the provider's bill says.")
@click.option("--undo", is_flag=True, help="Take an earlier word back: the charge is uncertain again.")
@click.option("--amount", metavar="AMOUNT", help="With --paid: what was charged in all, if not the worst case.")
@click.option(
    "--request", "requests", multiple=True, metavar="ID", help="Only this request: any id of it, or its start."
)
@click.option("-m", "--note", metavar="TEXT", help="Why: it is kept with the word.")
@option("--proof", is_flag=True, help="Of the proofs, which cost nothing.")
@project_options
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    targets: tuple[str, ...],
    paid: bool | None,
    undo: bool,
    amount: str | None,
    requests: tuple[str, ...],
    note: str | None,
    proof: bool,
    provider: str | None,
    variables: tuple[str, ...],
    profile: str | None,
    as_json: bool,
) -> int:
    """Say of requests that were sent and never answered whether they were charged, and free their pictures.

    Look them up at the provider first. Without a word it shows what is known (on a terminal it asks then) and exits
    with 75 while anything is uncertain. After `--not-paid` the money is free again; after `--paid` the charge
    stands. Either way the picture may then be bought again, and `plan` shows it with its price. The word is kept in
    the journal with who, when and why.

    \b
    Example:
      seedpipe resolve
      seedpipe resolve hero --not-paid -m "not in the provider's log"
    """
    project = opened(invocation, profile=profile, variables=variables, provider=provider, proof=proof)
    word = _Word(paid=paid, undo=undo, charge=_charge(amount, paid), note=note, who=who_decides(project.root))
    _check(word, targets, requests)
    if project.project_id is None or not is_there(project.state(project.project_id).journal):
        return _tell(invocation, (), as_json=as_json)
    with open_workshop(project, None) as workshop:
        asked = Named(graph=project.graph, targets=targets, ids=requests)
        if word.undo or word.paid is not None:
            done = _undone(workshop, asked, word) if word.undo else _resolved(workshop, asked, word)
            if not done and not as_json:
                invocation.console.note(_why_nothing(workshop, asked, word))
            return _tell_resolved(invocation, workshop, done, as_json=as_json)
        held = named_held(workshop.journal.held(), asked)
        senders = workshop.journal.senders()
        if as_json or not _interactive():
            looks = {one.request.id: _look_of(workshop, one) for one in held}
            return _tell(invocation, held, senders, looks, as_json=as_json)
        if not held:
            return _tell(invocation, held, as_json=as_json)
        done = [one.request.id for one in held if _answered(invocation, workshop, one, senders, word)]
        _tell_resolved(invocation, workshop, done, as_json=as_json)
        left = named_held(workshop.journal.held(), replace(asked, targets=(), ids=()))
        return ExitCode.UNCERTAIN if any(one.needs_a_person for one in left) else ExitCode.DONE


def _check(word: _Word, targets: Sequence[str], requests: Sequence[str]) -> None:
    if word.undo and word.paid is not None:
        raise UsageError(
            "`--undo` takes a word back, and `--paid` and `--not-paid` give one",
            hint="say one of them: `seedpipe resolve NODE --undo`, then the new word",
        )
    if (word.undo or word.paid is not None) and not (targets or requests):
        raise UsageError(
            "of which picture?",
            hint="name it, or give `--request ID`; `seedpipe resolve` alone shows what is uncertain",
        )


def _charge(amount: str | None, paid: bool | None) -> Money | None:
    if amount is None:
        return None
    if not paid:
        raise UsageError("`--amount` says what was charged", hint="say `--paid` with it, or leave it out")
    try:
        return Money.parse(amount)
    except ValueError as error:
        raise UsageError(f"`--amount`: {error}", hint="write it like `0.04 USD`") from None


def _interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _resolved(workshop: Workshop, asked: Named, word: _Word) -> Sequence[str]:
    """The ids of the requests about which the word is written down now.

    By its id a word that was given before is changed, and a paid picture that is still at the provider given up.
    """
    held = workshop.journal.held()
    waiting = {one.request.id: one for one in held if not one.needs_a_person} if asked.ids else {}
    requests = [one.request for one in held if one.needs_a_person or one.request.id in waiting]
    requests += [request for request, _ in workshop.journal.resolved()] if asked.ids else []
    found = [one for one in named_requests(requests, asked) if word.paid or one.id not in waiting]
    if word.charge is not None and len(found) > 1:
        raise UsageError(f"`--amount` is of one request, and {len(found)} are meant", hint="add `--request ID`")
    for request in found:
        if request.id in waiting:
            workshop.journal.unknown(request.id, waiting[request.id].why)
        workshop.journal.resolve(request.id, paid=bool(word.paid), who=word.who, charge=word.charge, note=word.note)
    return [request.id for request in found]


def _why_nothing(workshop: Workshop, asked: Named, word: _Word) -> str:
    """Why a word had nothing to be about."""
    names = ", ".join(f"`{name}`" for name in (*asked.targets, *asked.ids))
    if word.undo:
        return f"nobody has said anything about a charge of {names}"
    with contextlib.suppress(UsageError):
        return _why_not_uncertain(workshop, asked, names)
    return f"no charge of {names} is uncertain"


def _why_not_uncertain(workshop: Workshop, asked: Named, names: str) -> str:
    waiting = [one for one in named_held(workshop.journal.held(), asked) if not one.needs_a_person]
    if waiting:
        one = waiting[0]
        until = f" until {minute_text(one.until)}" if one.until else ""
        ways = f"`seedpipe build` fetches it for nothing, `--paid --request {one.request.id}` gives it up"
        return f"{names}: charged for certain and at the provider{until}: {ways} ({one.why})"
    given = named_requests([request for request, _ in workshop.journal.resolved()], asked)
    if given:
        return f"no charge of {names} is uncertain any more; `--request {given[-1].id}` changes what was said, `--undo` takes it back"
    return f"no charge of {names} is uncertain"


def _undone(workshop: Workshop, asked: Named, word: _Word) -> Sequence[str]:
    found = named_requests([request for request, _ in workshop.journal.resolved()], asked)
    if len(found) > 1:
        ids = ", ".join(request.id for request in found)
        raise UsageError(f"{len(found)} requests are meant: {ids}", hint="add `--request ID`")
    for request in found:
        workshop.journal.take_back(request.id, who=word.who, note=word.note)
    return [request.id for request in found]


def _answered(invocation: Invocation, workshop: Workshop, held: Held, senders: Mapping[str, str], word: _Word) -> bool:
    """Shows one request and asks; whether a word was given."""
    console = invocation.console
    look, sender = _look_of(workshop, held), senders[held.request.run]
    facts = held_text(held, sender=sender, look=look, width=console.err_width, style=console.err_style)
    console.err(facts)
    if not held.needs_a_person:
        console.err("")
        return False
    answer = _asked(console)
    console.err("")
    if answer == "skip":
        return False
    workshop.journal.resolve(held.request.id, paid=answer == "yes", who=word.who, note=word.note)
    return True


def _look_of(workshop: Workshop, held: Held) -> str | None:
    """Of a picture with several looks, the one that was asked for, by the name that it had then."""
    return workshop.takes.looks(held.request.request_key).get(held.request.address)


def _asked(console: Console) -> str:
    """`yes`, `no` or `skip`; the first letter is enough."""
    words = ("yes", "no", "skip")
    while True:
        said = click.prompt("was it charged? (yes, no, skip)", default="skip", err=True).strip().lower()
        for word in words:
            if said and word.startswith(said):
                return word
        console.err(f"`{said}` is no answer: say {', '.join(f'`{word}`' for word in words[:-1])} or `{words[-1]}`")


def _tell(
    invocation: Invocation,
    held: Sequence[Held],
    senders: Mapping[str, str] | None = None,
    looks: Mapping[str, str | None] | None = None,
    *,
    as_json: bool,
) -> int:
    """What is uncertain, and whether anything is, as the exit code."""
    console = invocation.console
    named = [(one, (senders or {})[one.request.run], (looks or {}).get(one.request.id)) for one in held]
    if as_json:
        told = [held_data(one, sender=who, look=look) for one, who, look in named]
        console.data({"seedpipe_resolve": 1, "held": told})
    elif not held:
        console.out("no charge is uncertain")
    else:
        pages = [
            held_text(one, sender=who, look=look, width=console.width, style=console.style) for one, who, look in named
        ]
        console.out("\n\n".join(pages))
    return ExitCode.UNCERTAIN if any(one.needs_a_person for one in held) else ExitCode.DONE


def _tell_resolved(invocation: Invocation, workshop: Workshop, done: Sequence[str], *, as_json: bool) -> int:
    """What was written down, what becomes of the pictures, and whether anything is uncertain still."""
    journal, console = workshop.journal, invocation.console
    words = {word.request: word for word in journal.resolutions()}
    resolved = [Resolved(request=journal.request(id_), word=words[id_]) for id_ in done]
    nodes = _plan(workshop) if resolved else {}
    left = [one for one in journal.held() if one.needs_a_person]
    if as_json:
        console.data(
            {
                "seedpipe_resolve": 1,
                "resolved": [resolved_data(one, nodes) for one in resolved],
                "uncertain": len(left),
            }
        )
        return ExitCode.DONE
    pages = [resolved_text(one, nodes, width=console.width, style=console.style) for one in resolved]
    console.out("\n\n".join(pages) if pages else "nothing was written down")
    if left:
        console.note(f"{len(left)} charge{'s are' if len(left) > 1 else ' is'} uncertain still")
    return ExitCode.DONE


def _plan(workshop: Workshop) -> Mapping[str, PlanNode]:
    project = workshop.project
    return plan_build(workshop, Wish(selection=select(project.graph, ())), workers=8).nodes
