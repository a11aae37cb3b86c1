"""The lines of a build: one for each finished node, the frame that moves, and the last word. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from seedpipe.display import Style, display_width, fit, fit_name, fit_path, pad, shown, shown_lines, wrap
from seedpipe.events import NodeDone, NodeFailed
from seedpipe.limits import ExitCode
from seedpipe.money import Money
from seedpipe.names import Realm, definition_of
from seedpipe.plan.obstacles import BytesMissing, ChargeUncertain, OutputEdited, RefusedBefore, UpstreamStopped
from seedpipe.plan.plan import Plan, State
from seedpipe.review.board import Active, Board, Made
from seedpipe.review.command_flags import with_flags
from seedpipe.review.words import NEXT_STEPS, UP_TO_DATE, about, count, duration, pattern, range_words

SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
MAX_ACTIVE: Final = 8  # nodes under way that are shown one by one
_ORDER: Final = ("unknown", "failed", "blocked", "capped", "skipped")
_SIGNS: Final = {"unknown": "?", "capped": "!", "skipped": "–"}
_OWN_CODES: Final = (
    *(RefusedBefore.code, OutputEdited.code, BytesMissing.code, UpstreamStopped.code, ChargeUncertain.code),
    *("aborted", "cap", "error", "not-kept", "came-short"),
)
INTERRUPTED: Final = "interrupted"  # as a build says that Ctrl-C stops it
_UNDER_WAY: Final = {"unknown": "uncertain"}
_FEW: Final = 3  # so many are named one by one
_HOW: Final = {"derived": "made here", "cached": "was made before", "fetched": "fetched"}
NEXT: Final = {
    "unknown": NEXT_STEPS[State.UNKNOWN],
    "failed": NEXT_STEPS[State.FAILED],
    "blocked": NEXT_STEPS[State.BLOCKED],
    "capped": "raise the cap with `--max-cost` and build again; what is there is kept",
}


def address_width(todo: Sequence[str], width: int) -> int:
    """The column that the addresses of a build are given, so that its lines stand under each other."""
    return min(max(map(display_width, todo), default=0), width * 2 // 5)


def done_line(event: NodeDone, made: Made, wide: int, width: int, style: Style) -> str:
    """`✓ scene/LUM-01/16:9  2848x1600  0.04  14 s → build/scene/LUM-01/16:9.jpg`, in at most `width` columns."""
    facts = done_facts(event, made)
    name = fit_name(event.address, wide)
    line = f"{pad(name, wide)}  {pad(facts, 23)}"
    if event.output is not None:
        room = width - display_width(line) - 5
        if room >= 12:
            line += " → " + fit_path(shown(event.output), room)
    return f"{style.green('✓')} {name}{style.dim(line[len(name) :].rstrip())}"


def done_facts(event: NodeDone, made: Made) -> str:
    """`2848x1600  0.04  14 s`, or how it came without being bought."""
    if not made.takes:
        return _HOW.get(event.how, event.how)
    last = made.takes[-1]
    cost = made.cost
    facts = [f"{last.width}x{last.height}"]
    looks = len({take.look for take in made.takes})
    if looks > 1:
        facts += [f"{looks} looks" if looks == len(made.takes) else f"{len(made.takes)} takes of {looks} looks"]
    elif len(made.takes) > 1:
        facts.append(f"{len(made.takes)} takes")
    facts += [cost.amount] if cost else []
    return "  ".join([*facts, duration(made.seconds or last.seconds)])


def failure_lines(event: NodeFailed, width: int, style: Style) -> list[str]:
    """What did not come, the service's words, and its request id, wrapped to `width`."""
    sign = _SIGNS.get(event.outcome, "✗")
    if event.outcome == "skipped":
        return [style.dim(fit(f"{sign} {event.address}  skipped: {shown(event.message)}", width))]
    color = "yellow" if event.outcome in ("blocked", "capped") else "red"
    first = f"{style.paint(sign, 'bold', color)} {fit_name(event.address, width // 2)}  "
    room = width - display_width(first) - len(event.outcome) - 2
    lines = [f"{first}{style.paint(event.outcome, color)}  {style.dim(fit(_code(event), room))}".rstrip()]
    lines += [f"    {line}" for line in wrap(shown_lines(event.message), width - 4)]
    if _id_of(event):
        lines.append("    " + style.dim(fit(_id_of(event), width - 4)))
    if event.hint is not None:
        hint = wrap(shown_lines(_named(event.hint, event.address)), width - 6)
        lines += [f"    {' ' if index else '→'} {line}" for index, line in enumerate(hint)]
    return lines


def _named(hint: str, address: str) -> str:
    """A hint's command about this picture: `seedpipe build NODE` → `seedpipe build hero`."""
    return re.sub(r"\bNODE\b", lambda _: address, hint)


def _code(event: NodeFailed) -> str:
    """The service's name for what happened; our own reasons are told by the outcome and the message."""
    return "" if event.code in _OWN_CODES or event.outcome == "skipped" else shown(event.code)


def _id_of(event: NodeFailed) -> str:
    """By what the provider finds the request: its own id, or ours where it never said one."""
    if event.request_id is not None:
        return f"request id {shown(event.request_id)}"
    return f"our request id {shown(event.client_request_id)}" if event.client_request_id is not None else ""


def failure_line(event: NodeFailed) -> str:
    """The same in one line of any length, for logs."""
    parts = [f"{_SIGNS.get(event.outcome, '✗')} {event.address}  {event.outcome}:"]
    parts += [f"{_code(event)}:"] if _code(event) else []
    parts.append(shown(event.message))
    parts += [f"({_id_of(event)})"] if _id_of(event) else []
    parts += [f"→ {shown(_named(event.hint, event.address))}"] if event.hint is not None else []
    return " ".join(parts)


def frame_lines(board: Board, now: float, width: int, height: int, style: Style) -> list[str]:
    """The part of the screen that moves: what is under way, and the footer. At most `height` lines."""
    if board.started is None:
        return []
    going = [one for one in board.active.values() if board.stopping is None or not one.is_queued]
    active = sorted(going, key=lambda one: (one.sent is None, bool(one.waiting), one.since))
    room = max(min(MAX_ACTIVE, height - 3), 0)
    visible = active if len(active) <= room else active[: max(room - 1, 0)]
    wide = address_width([one.address for one in visible], width)
    lines = [""] + [_active_line(one, now, wide, width, style) for one in visible]
    if len(active) > len(visible):
        lines.append("  " + style.dim(f"and {len(active) - len(visible):,} more"))
    if board.stopping is not None:
        lines.append(_stopping_line(board, width, style))
    lines.append(_footer(board, now, width, style))
    return lines[-height:]


def _active_line(one: Active, now: float, wide: int, width: int, style: Style) -> str:
    turn = SPINNER[int(now * 10) % len(SPINNER)]
    elapsed = duration(max(round(now - one.since), 1)).rjust(5)
    words = {"fetch": "fetching", "steps": "making it here"}.get(one.work, "")
    if one.kept:
        words = f"{count(one.kept, 'take')} kept"
    if one.waiting or one.is_queued:
        turn, words = "·", one.waiting or "waits for its turn"
    line = f"  {pad(fit_name(one.address, wide), wide)} {elapsed}  {words}"
    text = fit(line.rstrip(), width - 1)
    if turn == "·":
        return f"{style.dim(turn)} {style.dim(text[2:])}"
    return f"{style.cyan(turn)} {text[2:]}"


def _stopping_line(board: Board, width: int, style: Style) -> str:
    why = "" if board.stopping is None else shown(board.stopping.why)
    waiting = board.in_flight()
    paid = f" · {count(waiting, 'picture')} under way: paid, so awaited" if waiting else ""
    again = "; Ctrl-C aborts" if waiting and why == INTERRUPTED else ""
    return style.yellow(fit(f"stopping: {why}{paid}{again}", width))


def _footer(board: Board, now: float, width: int, style: Style) -> str:
    facts = [f"{board.done:,}/{board.total:,}", money_so_far(board)]
    left = board.seconds_left(now)
    if board.stopping is None and left is not None and board.done < board.total:
        facts.append(f"{about(left)} left")
    if board.in_flight():
        facts.append(f"{board.in_flight()} in flight")
    outcomes = Counter(failure.outcome for failure in board.failures if failure.outcome != "skipped")
    trouble = "".join(f" · {number:,} {_UNDER_WAY.get(name, name)}" for name, number in outcomes.items())
    facts = [fact for fact in facts if fact]
    while len(facts) > 1 and display_width(" · ".join(facts) + trouble) > width:
        facts.pop()
    text = " · ".join(facts)
    size = min(width - display_width(text + trouble) - 2, 28)
    words = style.bold(fit(text, width - len(trouble))) + style.red(trouble)
    if size < 6:
        return words
    full = size * board.done // max(board.total, 1)
    return f"{style.green('━' * full)}{style.dim('─' * (size - full))}  {words}"


def money_so_far(board: Board) -> str:
    """`0.28 of 5.00 USD`, `0.28 USD`, or that nothing is billed."""
    if board.started is None or board.spent is None:
        return ""
    if board.proof:
        return "proof, nothing is billed"
    cap = board.started.cap
    if cap is not None and cap.currency == board.spent.currency:
        return f"{board.spent.amount} of {cap.amount} {cap.currency}"
    return str(board.spent) if board.started.buys else ""


def summary_lines(
    board: Board, outputs: str, width: int, style: Style, *, rest: str = UP_TO_DATE, flags: Sequence[str] = ()
) -> list[str]:
    """The last word: what was bought, what is amiss and what to do about it, what to choose among, where the pictures are.

    `rest` is said of a build that had nothing to do; `flags` belong to the commands that it names (`command_flags`).
    """
    finished = board.finished
    if finished is None:
        return []
    if not board.done and not board.failures and not finished.bought and finished.exit_code == ExitCode.DONE:
        return ["  " + style.green(rest) + " · nothing was sent"]
    lines = [_sum_line(board, finished.spent, finished.seconds, style)]
    if finished.uncertain:
        amount = f"up to {finished.uncertain} more may have been charged: nobody knows yet"
        if board.proof:
            amount = f"bought live, up to {finished.uncertain} more would be uncertain"
        lines.append("  " + style.paint(amount, "bold", "red"))
    lines += _problems(board, width, style)
    lines += _to_choose(board, width, style, flags)
    untouched = board.total - board.done
    if untouched > 0:
        them = "it" if untouched == 1 else "them"
        lines.append(f"  {count(untouched, 'picture')} not begun; the next build takes {them} up")
    if any(board.outcomes.get(how) for how in ("made", "derived", "cached", "fetched")):
        lines.append("  " + style.dim("pictures are in ") + fit_path(shown(outputs), width - 18))
    return lines


def frozen_answer(plan: Plan) -> dict[str, Any]:
    """What a frozen build would have bought, as data."""
    left = [node.address for node in plan.nodes.values() if node.state.buys]
    return {"pictures": plan.pictures, "cost": plan.cost.to_dict(), "left": left}


def frozen_lines(plan: Plan, lock: str, width: int, flags: Sequence[str] = ()) -> list[str]:
    """After a frozen build: what it would have bought, and who can. `lock` is the file's name."""
    left = [node.address for node in plan.nodes.values() if node.state.buys]
    number, them = count(plan.pictures, "picture"), "it" if plan.pictures == 1 else "them"
    if plan.realm is Realm.PROOF:
        what, step = f"{number} left to draw", f"`seedpipe build --proof` draws {them}"
    else:
        what = f"{number} left to buy, {range_words(plan.cost)}"
        step = f"`seedpipe build` buys {them} where spending is allowed; then commit `{lock}` and the pictures"
    told = wrap(f"frozen: {what}: {_listed(left)}", width - 2)
    return [
        *("  " * bool(index) + line for index, line in enumerate(told)),
        *(
            ("  → " if not index else "    ") + line
            for index, line in enumerate(wrap(with_flags(step, flags), width - 4))
        ),
    ]


def _sum_line(board: Board, spent: Money, seconds: float, style: Style) -> str:
    if board.proof and not board.bought:
        start, charge = "nothing was billed", ""
    elif board.proof:
        start, charge = f"drew {count(board.bought, 'proof')}", "   nothing was billed"
    else:
        start = f"bought {count(board.bought, 'picture') if board.bought else 'nothing'}"
        charge = f"   {spent} charged" if board.bought or spent else ""
    names = {"derived": "made here", "cached": "made before", "fetched": "fetched"}
    free = [f"{board.outcomes[how]:,} {word}" for how, word in names.items() if board.outcomes.get(how)]
    tail = "".join(f" · {part}" for part in free) + f"   in {duration(seconds)}"
    return f"  {style.bold(start + charge)}{tail}"


def _to_choose(board: Board, width: int, style: Style, flags: Sequence[str]) -> list[str]:
    """Pictures of which several came, and how to see them."""
    if not board.several:
        return []
    addresses = list(board.several)
    named = f" {addresses[0]}" if len(addresses) == 1 else ""
    step = f"`seedpipe takes{named}` lists them; with `--format html` it is a page that shows them"
    step = with_flags(step, flags)
    told = [fit(f"  to choose among: {_listed(addresses)}", width)]
    return told + [
        f"    {style.dim((' ' if index else '→') + ' ' + part)}" for index, part in enumerate(wrap(step, width - 6))
    ]


def _problems(board: Board, width: int, style: Style) -> list[str]:
    """Failures of one kind and cure on one line, the most urgent first."""
    groups: dict[tuple[str, str], list[NodeFailed]] = {}
    for failure in board.failures:
        groups.setdefault((failure.outcome, failure.hint or ""), []).append(failure)
    rank = {outcome: index for index, outcome in enumerate(_ORDER)}
    lines = []
    for (outcome, hint), failures in sorted(groups.items(), key=lambda item: rank.get(item[0][0], 9)):
        addresses = list(dict.fromkeys(failure.address for failure in failures))  # one may lack several takes or looks
        code = ", ".join(dict.fromkeys(filter(None, map(_code, failures))))
        color = "dim" if outcome == "skipped" else "yellow" if outcome in ("blocked", "capped") else "red"
        start = f"  {len(addresses):,} {outcome}"
        because = code
        if outcome == "skipped":
            because = f"what {'it is' if len(addresses) == 1 else 'they are'} made from did not come"
        text = f"  {_listed(addresses)}" + (f"  ({because})" if because else "")
        lines.append(style.paint(start, color) + fit(text, width - len(start)))
        step = _named(hint or NEXT.get(outcome, "").format(node=addresses[0]), addresses[0])
        steps = wrap(shown_lines(step), width - 6) if step else []
        lines += [f"    {style.dim((' ' if index else '→') + ' ' + part)}" for index, part in enumerate(steps)]
    return lines


def _listed(addresses: Sequence[str]) -> str:
    if len(addresses) <= _FEW:
        return ", ".join(addresses)
    entries: dict[str, list[str]] = {}
    for address in addresses:
        entries.setdefault(definition_of(address), []).append(address)
    names = [pattern(group) + (f" ×{len(group):,}" if len(group) > 1 else "") for group in entries.values()]
    return ", ".join(names)
