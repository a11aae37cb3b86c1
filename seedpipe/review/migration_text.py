"""`models --migrate` for people: what must be written otherwise, what is lost, what it costs, what it would be to build."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from seedpipe.display import PLAIN, Style, display_width, fit, fit_path, pad, pad_left, shown, wrap
from seedpipe.money import Money
from seedpipe.names import definition_of
from seedpipe.plan.migration import Migration, about, gains, losses
from seedpipe.plan.moved import Change, Kind, Moved
from seedpipe.plan.plan import Plan, State
from seedpipe.review.words import amounts, count, pattern

MIN_WIDTH: Final = 48
_TITLES: Final = {
    Kind.LOSS: "can't be done there",
    Kind.EDIT: "has to be written otherwise",
    Kind.DIFFERENCE: "comes out otherwise",
    Kind.ADVICE: "worth a look",
}
_LOOKS: Final = {Kind.LOSS: "red", Kind.EDIT: "yellow", Kind.DIFFERENCE: "cyan", Kind.ADVICE: "dim"}
_DEFAULTS: Final = {"output_format": "jpeg", "optimize_prompt": "standard"}  # as if nothing was written
_FEW: Final = 3  # reasons that are told of one place
_SHARED: Final = "pictures that stay have it from here too: write it at these"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a build buys now and would buy then; None where it can't be planned."""

    now: Plan | None
    then: Plan | None


def migration_text(
    found: Migration,
    outlook: Outlook,
    names: tuple[str, str],
    *,
    project: str,
    width: int = 80,
    style: Style = PLAIN,
) -> str:
    """The whole answer. `names` are what one writes for the two models."""
    width = max(width, MIN_WIDTH)
    head = f" · {count(found.pictures, 'picture')} from {names[0]} to {names[1]} at {found.provider}"
    title = fit(shown(project), width // 3)
    lines = [style.bold(title) + fit(head, width - display_width(title))]
    for kind in Kind:
        lines += _section(kind, found, width, style)
    lines += ["", *_money_lines(found, names, width, style)]
    lines += ["", *_build_lines(found, outlook, width)]
    lines += ["", *_about_lines(found, names[1], width)]
    trial = (
        f"nothing was changed. To see one picture first, beside what there is: `profiles: {{try: {{force: {_force(found)}}}}}`,"
        " then `seedpipe build NAME --profile try`"
    )
    return "\n".join([*lines, "", *(style.dim(line) for line in _indented(trial, width))])


def _force(found: Migration) -> str:
    """What a profile forces for a trial: everything that is to be written alike wherever it has to be."""
    edits: dict[str, set[str]] = {}
    for change in (change for one in found.moved for change in one.changes if change.kind is Kind.EDIT):
        if change.field in ("model", "size") or change.field in _DEFAULTS:
            edits.setdefault(change.field, set()).add(change.new or _DEFAULTS.get(change.field, ""))
    alike = {field: next(iter(values)) for field, values in edits.items() if len(values) == 1}
    return (
        "{"
        + ", ".join(f"{field}: {value}" for field, value in alike.items() if "x" not in value or field == "model")
        + "}"
    )


@dataclass(slots=True)
class _Place:
    """Changes of one field at one place, with whom each reason is for."""

    change: Change
    reasons: dict[str, list[str]]

    @property
    def addresses(self) -> list[str]:
        return [address for addresses in self.reasons.values() for address in addresses]


def _places(kind: Kind, moved: Iterable[Moved]) -> Sequence[_Place]:
    places: dict[tuple[object, ...], _Place] = {}
    for one in moved:
        for change in one.changes:
            if change.kind is kind:
                key = (change.position, change.field, change.old, change.new)
                place = places.setdefault(key, _Place(change, {}))
                place.reasons.setdefault(change.message, []).append(one.address)
    return sorted(places.values(), key=lambda place: place.change.position)


def _section(kind: Kind, found: Migration, width: int, style: Style) -> list[str]:
    places = _places(kind, found.moved)
    if not places:
        return []
    wide = max(display_width(str(place.change.position)) for place in places)
    lines = ["", "  " + style.paint(_TITLES[kind], "bold", _LOOKS[kind])]
    for place in places:
        lines += _place_lines(place, found, wide, width)
    return lines


def _place_lines(place: _Place, found: Migration, wide: int, width: int) -> list[str]:
    """`seedpipe.yaml:11  size: 1K → 2K`, and below it for whom and why."""
    change = place.change
    beside = wide <= width // 3
    start = f"    {pad(str(change.position), wide)}  " if beside else "      "
    room = width - display_width(start)
    words = [_edit(change)] if change.kind is Kind.EDIT else []
    reasons = [reason for reason in place.reasons if reason] or [""]
    for reason in reasons[:_FEW]:
        who = _who(place.reasons.get(reason, place.addresses), found)
        words.append(f"{who}: {reason}" if reason else who)
    if len(reasons) > _FEW:
        words.append(f"and {len(reasons) - _FEW} more of the kind")
    words += [_SHARED] if change.shared else []
    told = [line for text in words for line in wrap(shown(text), room)]
    lines = [] if beside else [f"    {fit_path(str(change.position), width - 4)}"]
    return lines + [(" " * display_width(start) if at else start) + line for at, line in enumerate(told)]


def _edit(change: Change) -> str:
    if change.new is None:
        return f"{change.field}: {change.old} → leave it out"
    return f"{change.field}: {change.old} → {change.new}" if change.old is not None else f"{change.field}: {change.new}"


def _who(addresses: Sequence[str], found: Migration) -> str:
    """`all 24 pictures`, or their names folded."""
    if len(addresses) == len(found.moved) > 1:
        return f"all {count(found.pictures, 'picture')}"
    entries: dict[str, list[str]] = {}
    for address in addresses:
        entries.setdefault(definition_of(address), []).append(address)
    names = [pattern(group) + (f" ×{len(group):,}" if len(group) > 1 else "") for group in entries.values()]
    more = len(names) - _FEW
    return ", ".join(names[: _FEW + 1] if more == 1 else names[:_FEW]) + (f" and {more} more" if more > 1 else "")


def _money_lines(found: Migration, names: tuple[str, str], width: int, style: Style) -> list[str]:
    """A row for each model: what a picture costs, and all of them."""
    totals = found.cost_before, found.cost_after
    each = [
        _each((one.cost_before, one.pictures) for one in found.moved),
        _each((one.cost_after, one.pictures) for one in found.moved),
    ]
    wide = max(map(len, names))
    columns = max(9, *map(len, each))
    whole = ["not known" if total is None else str(total) for total in totals]
    right = max(len(f"all {found.pictures}"), *map(len, whole))
    lines = [
        style.dim(f"  {pad('', wide)}  {pad_left('a picture', columns)}  {pad_left(f'all {found.pictures}', right)}")
    ]
    for name, one, total in zip(names, each, whole, strict=True):
        lines.append(f"  {pad(name, wide)}  {pad_left(one, columns)}  {pad_left(total, right)}")
    difference = _difference(*totals)
    if display_width(lines[-1] + difference) > width:
        return [*lines, difference.removeprefix(" ")]
    return [*lines[:-1], lines[-1] + difference]


def _each(costs: Iterable[tuple[Money | None, int]]) -> str:
    """`0.03`, or `0.045–0.09` where pictures differ."""
    prices = [
        Money(cost.micros // pictures, cost.currency) for cost, pictures in costs if cost is not None and pictures
    ]
    if not prices:
        return "not known"
    low, high = amounts(min(prices), max(prices))
    return low if low == high else f"{low}–{high}"


def _difference(before: Money | None, after: Money | None) -> str:
    if before is None or after is None or before.currency != after.currency or not before:
        return ""
    if before == after:
        return "   as much as now"
    larger, word = (after, "more") if after > before else (before, "less")
    difference = larger - (before if larger is after else after)
    return f"   {difference.amount} {word} ({round(100 * difference.micros / before.micros)} %)"


def _build_lines(found: Migration, outlook: Outlook, width: int) -> list[str]:
    """What a build buys then, beside what it buys now, and what people have chosen."""
    then = outlook.then
    if then is None:
        return _indented("what a build would buy can't be planned: a price or a size is not known", width)
    text = f"a build would then buy {count(then.pictures, 'picture')}, {then.cost.high} at most"
    if outlook.now is not None and outlook.now.pictures:
        text += f" (now: {count(outlook.now.pictures, 'picture')}, {outlook.now.cost.high})"
    elif outlook.now is not None:
        text += " (now: nothing)"
    lines = _indented(text, width)
    following = [address for address in found.followers if then.nodes[address].pictures]
    if following:
        follow = f"made from these, so made again with them: {_names(following)}"
        lines += _indented(follow, width)
    kept = [node.address for node in then.nodes.values() if node.state in (State.STALE, State.PINNED)]
    if kept:
        stay = f"chosen by somebody, so kept as it is until it is named: {_names(kept)}"
        lines += _indented(stay, width)
    return lines


def _names(addresses: Sequence[str]) -> str:
    more = len(addresses) - _FEW
    return ", ".join(addresses[:_FEW]) + (f" and {more} more" if more > 0 else "")


def _about_lines(found: Migration, name: str, width: int) -> list[str]:
    source, target = found.source, found.target
    told = {
        f"{name} has": gains(source, target),
        f"{name} has not": losses(source, target),
        "to know": about(target),
    }
    lines = []
    for label, words in told.items():
        lines += _indented(f"{label}: {', '.join(words)}", width) if words else []
    if target.seconds_per_image != source.seconds_per_image:
        pace = f"a picture takes about {target.seconds_per_image:g} s in place of {source.seconds_per_image:g} s"
        lines += _indented(pace, width)
    return lines or _indented(f"{name} can do all that the other can", width)


def _indented(text: str, width: int) -> list[str]:
    return ["  " + line for line in wrap(shown(text), width - 2)]
