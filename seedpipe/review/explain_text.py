"""`explain NODE`: everything about one picture, down to the changed words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from seedpipe.display import PLAIN, Style, display_width, fit_name, flow, pad, shown, shown_lines, wrap
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, Node, Reference, SourceNode
from seedpipe.manifest.steps import Convert, Crop, Overlay, Resize, Step, Text
from seedpipe.names import Digest, Realm, definition_of
from seedpipe.plan.obstacles import ChargeUncertain, GateClosed, PaidWaits, RefusedBefore, SizeDiffers, UpstreamStopped
from seedpipe.plan.plan import PlanNode, State
from seedpipe.plan.reasons import PromptChanged, SameAs, SharedWordsChanged
from seedpipe.review.command_flags import with_flags
from seedpipe.review.plan_text import MIN_WIDTH
from seedpipe.review.worddiff import diff_lines, word_diff
from seedpipe.review.words import amounts, label, next_step, paint_state, pattern, range_words, sentence
from seedpipe.source import Position
from seedpipe.state.layer import Layer

_LABEL: Final = 10
_MANY: Final = 12
_TROUBLES: Final[Mapping[str, str]] = {
    RefusedBefore.code: "refused",
    ChargeUncertain.code: "charge uncertain",
    GateClosed.code: "waits",
    UpstreamStopped.code: "can't come",
    PaidWaits.code: "at the provider",
    SameAs.code: "shared with another picture",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeLine:
    """One picture received. `at` is UTC text, `cost` text like `0.04 USD`."""

    digest: Digest
    chosen: bool = False
    size: str | None = None
    at: str | None = None
    cost: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceLine:
    """How the choice came to be what it is: its level, and the decision that made it so, if a person's did.

    `at` is UTC text, `who` a name without an address, `note` the person's words.
    """

    level: str
    who: str | None = None
    at: str | None = None
    note: str | None = None

    def to_dict(self) -> dict[str, str]:
        told = {"level": self.level, "who": self.who, "at": self.at, "note": self.note}
        return {name: value for name, value in told.items() if value is not None}


def explain_text(
    planned: PlanNode,
    node: Node,
    *,
    made_from: Mapping[str, State],
    not_made: Sequence[str] = (),
    makes: Sequence[str] = (),
    takes: Sequence[TakeLine] = (),
    choice: ChoiceLine | None = None,
    layer: Layer | None = None,
    candidates: Mapping[str, int] | None = None,
    realm: Realm = Realm.LIVE,
    flags: Sequence[str] = (),
    width: int = 80,
    style: Style = PLAIN,
) -> str:
    """`made_from` are the states of the pictures it is made from, `makes` the nodes made from it directly; `not_made` are

    those of a glob that it does without.

    `layer` is what the service said of the chosen take of a decomposition; `candidates` counts the takes of each other
    look.
    """
    width = max(width, MIN_WIDTH)
    verb = paint_state(planned.state, label(planned.state), style)
    lines = [style.bold(planned.address), f"  {verb}: {_state_words(planned, realm)}"]
    page = _Page(lines, width, style)
    for reason in planned.reasons:
        page.mark("·", shown(reason.sentence()))
    step = next_step(planned)
    if step is not None:
        page.mark("→", with_flags(step, flags))
    page.blank()
    match node:
        case ImageNode():
            if node.look is not None:
                page.field("look", node.look)
            _words(page, planned, node.prompt)
            _where_words_stand(page, planned, node.prompt_position)
            _references(page, node.references, made_from)
            _others(page, planned, node, candidates or {})
        case FrameNode():
            _frame(page, planned, node, made_from, layer)
        case DerivedNode():
            _derived(page, node, made_from)
        case SourceNode():
            page.field("file" if node.path else "url", node.path or node.url or "")
    if not_made:
        page.field("without", f"{', '.join(not_made)}, which {'was' if len(not_made) == 1 else 'were'} not made")
    _facts(page, planned, realm)
    _takes(page, takes)
    if choice is not None:
        page.field("choice", _choice_words(choice))
    page.names("makes", makes)
    if planned.tags:
        page.field("tags", ", ".join(planned.tags))
    page.field("stands in", str(planned.position))
    return "\n".join(lines)


class _Page:
    """Lines under way: a name on the left, what it holds on the right."""

    def __init__(self, lines: list[str], width: int, style: Style) -> None:
        self._lines, self._width, self.style = lines, width, style

    @property
    def room(self) -> int:
        return self._width - _LABEL - 4

    def blank(self) -> None:
        self._lines.append("")

    def mark(self, sign: str, text: str) -> None:
        for index, line in enumerate(wrap(text, self._width - 4)):
            self._lines.append(f"  {' ' if index else sign} {line}")

    def field(self, name: str, text: str) -> None:
        """`text` is made safe for a terminal and wrapped."""
        self.block(name, wrap(shown_lines(text), self.room))

    def block(self, name: str, lines: Sequence[str]) -> None:
        """Ready lines, at most `room` wide."""
        for index, line in enumerate(lines):
            start = self.style.dim(pad("" if index else name, _LABEL))
            self._lines.append(f"  {start}  {line}".rstrip())

    def names(self, name: str, addresses: Sequence[str]) -> None:
        if addresses:
            groups: dict[str, list[str]] = {}
            for address in addresses:
                groups.setdefault(definition_of(address), []).append(address)
            folded = [pattern(group) + f" ×{len(group):,}" * (len(group) > 1) for group in groups.values()]
            listed = addresses if len(addresses) <= _MANY else folded[:_MANY]
            more = f" and {len(folded) - _MANY:,} more" if len(listed) < len(folded) else ""
            self.field(name, ", ".join(listed) + more)


def _words(page: _Page, planned: PlanNode, prompt: str) -> None:
    """The prompt, with what changed in it if that is known."""
    changed = next((reason for reason in planned.reasons if isinstance(reason, PromptChanged)), None)
    if changed is not None and changed.old is not None:
        parts = word_diff(shown_lines(changed.old), shown_lines(changed.new))
        page.block("prompt", diff_lines(parts, page.room, page.style))
        return
    page.field("prompt", prompt)
    if changed is not None:
        page.field("", "(the earlier words are not known on this machine)")


def _others(page: _Page, planned: PlanNode, node: ImageNode, candidates: Mapping[str, int]) -> None:
    """The other looks: what there is of each, and how its words differ."""
    wide = min(max((display_width(look.look or "") for look in node.others), default=0), page.room // 2)
    for number, look in enumerate(node.others):
        name, bought = look.look or "", planned.of_look(look.look)
        takes = candidates.get(name, 0)
        told = [f"{takes} take{'s' if takes != 1 else ''}"] if takes else []
        told += [f"{bought} to be bought"] if bought else []
        told += [word for word in _in_its_way(planned, name) if not bought]
        there = ", ".join(told) or "no picture"
        head = [f"{pad(name, wide)}  {there}"] if display_width(name) <= wide else wrap(f"{name}  {there}", page.room)
        page.block("" if number else "candidates", head)
        lines = _otherwise(page, planned, node, look)
        page.block("", [f"  {line}" for line in lines])


def _in_its_way(planned: PlanNode, look: str) -> Sequence[str]:
    """Why a candidate doesn't come, in a word; the reasons above say it whole."""
    found = [_TROUBLES[reason.code] for reason in planned.reasons if reason.look == look and reason.code in _TROUBLES]
    return list(dict.fromkeys(found))


def _otherwise(page: _Page, planned: PlanNode, node: ImageNode, look: ImageNode) -> Sequence[str]:
    """What is asked otherwise in another look."""
    lines: list[str] = []
    if look.prompt != node.prompt:
        parts = word_diff(shown_lines(node.prompt), shown_lines(look.prompt))
        lines += diff_lines(parts, page.room - 2, page.style)
    other = next((one for one in planned.looks if one.name == look.look), None)
    here, there = (", ".join(item.address for item in one.references) for one in (node, look))
    facts = [("made from", here, there)]
    if other is not None:
        facts += [("model", planned.model or "", other.model or ""), ("size", planned.size or "", other.size or "")]
    for name, here, there in facts:
        if here != there:
            lines += wrap(shown_lines(f"{name}: {here or 'nothing'} → {there or 'nothing'}"), page.room - 2)
    return lines


def _where_words_stand(page: _Page, planned: PlanNode, position: Position) -> None:
    page.field("its words", str(position))
    moved = [reason.at for reason in planned.reasons if isinstance(reason, PromptChanged | SharedWordsChanged)]
    at = dict.fromkeys(place for places in moved for place in places)
    if at:
        page.field("changed at", ", ".join(at))


def _references(page: _Page, references: Sequence[Reference], made_from: Mapping[str, State]) -> None:
    names = [reference.address for reference in references]
    wide = max(map(display_width, names), default=0)
    lines = []
    for number, name in enumerate(names, 1):
        state = made_from.get(name)
        verb = "" if state is None else paint_state(state, label(state), page.style)
        lines.append(
            f"image {number:<2}  {pad(fit_name(name, page.room - 20), min(wide, page.room - 20))}  {verb}".rstrip()
        )
    page.block("made from", lines)


def _frame(
    page: _Page, planned: PlanNode, node: FrameNode, made_from: Mapping[str, State], layer: Layer | None
) -> None:
    """Its own words, then those of all frames; what people read; and how it is bought."""
    frame, sequence = node.frame, node.sequence
    if sequence.layered and not sequence.base.prompt:
        page.field("prompt", "none: the service decides what the layers are")
    elif sequence.counted:
        page.field("prompt", sequence.base.prompt)
    else:
        _words(page, planned, frame.prompt)
        if sequence.base.prompt:
            page.field("shared", sequence.base.prompt)
    _where_words_stand(page, planned, node.prompt_position)
    if sequence.layered:
        _layer(page, node, layer)
    else:
        page.field("frame", f"{frame.number} of {len(sequence.frames)} of {sequence.address}")
    if frame.caption is not None:
        page.field("caption", frame.caption)
    if frame.duration is not None:
        page.field("duration", f"{frame.duration} s")
    if planned.batch is not None:
        page.field("bought", f"by one request with {'all layers' if sequence.layered else 'others of its sequence'}")
    elif planned.state.buys:
        beside = " and ".join(address for address, _ in planned.beside)
        page.field("bought", f"alone, beside {beside}" if beside else "alone")
    _references(page, node.references, made_from)


def _layer(page: _Page, node: FrameNode, layer: Layer | None) -> None:
    """Its height by the manifest, then what the service said of it."""
    height = "the ground" if node.frame.number == 1 else f"{node.frame.id} above the ground"
    page.field("layer", f"{height}, of {node.sequence.base.references[0].address}")
    if layer is None:
        return
    if layer.name or layer.description:
        page.field("shows", ": ".join(words for words in (layer.name, layer.description) if words))
    if layer.box is not None:
        left, top, right, bottom = layer.box
        page.field("lies", f"from {left},{top} to {right},{bottom} of the whole (z-index {layer.z_index})")


def _derived(page: _Page, node: DerivedNode, made_from: Mapping[str, State]) -> None:
    lines = []
    wide = min(max(map(display_width, node.inputs), default=0), page.room - 10)
    for name in node.inputs:
        state = made_from.get(name)
        verb = "" if state is None else "  " + paint_state(state, label(state), page.style)
        lines.append(pad(fit_name(name, wide), wide) + verb)
    page.block("made from", lines)
    for number, step in enumerate(node.steps):
        page.field("" if number else "steps", f"{number + 1}. {step_text(step)}")


def step_text(step: Step) -> str:
    """A step as a manifest would say it: `crop 16:9`, `text “Hello”`."""
    match step:
        case Crop():
            size = f"{step.width}x{step.height}" if step.pixels else f"{step.width}:{step.height}"
            return f"crop {size}, {step.anchor}"
        case Resize():
            return f"resize {step.width or ''}x{step.height or ''}, {step.mode}"
        case Overlay():
            return f"overlay {step.image}, {step.width} wide, {step.place.anchor}"
        case Text():
            return f"text “{shown(step.text)}”, {step.place.anchor}"
        case Convert():
            return f"convert to {step.format}"


def _facts(page: _Page, planned: PlanNode, realm: Realm) -> None:
    if planned.model is not None:
        page.field("model", planned.model)
    if planned.size is not None:
        page.field("size", _size_words(planned))
    if planned.cost.high and realm is Realm.PROOF:
        page.field("price", f"nothing; bought live {range_words(planned.cost)}")
    elif planned.cost.high:
        low, expected, high = amounts(planned.cost.low, planned.cost.expected, planned.cost.high)
        least = f"{low} at least, " if low != expected else ""
        many = f" for {planned.pictures} pictures" if planned.pictures > 1 else ""
        page.field("price", f"{least}{expected} {planned.cost.high.currency} expected, {high} at most{many}")
    if planned.key is not None:
        page.field("key", planned.key.short)
    elif planned.kind in ("image", "frame"):
        page.field("key", "known once what it is made from is made")
    if planned.output is not None:
        page.field("output", planned.output + (" (will be written)" if planned.writes else ""))


def _state_words(planned: PlanNode, realm: Realm) -> str:
    if any(isinstance(reason, SizeDiffers) for reason in planned.reasons) and planned.state is State.FAILED:
        return "came in another size than was asked"
    return sentence(planned.state, realm)


def _size_words(planned: PlanNode) -> str:
    if planned.came is None:
        return planned.size or ""
    fitted = f"; the file is cut to {planned.fit}" if planned.fit is not None else ""
    return f"{planned.size} was asked for, {planned.came} came{fitted}"


def _takes(page: _Page, takes: Sequence[TakeLine]) -> None:
    lines = []
    for take in takes:
        facts = [take.size, take.at, take.cost, "chosen" if take.chosen else None]
        told = flow([take.digest.short, *(shown(fact) for fact in facts if fact)], page.room, between="  ")
        lines += [page.style.bold(line) if take.chosen else line for line in told]
    page.block("takes", lines)


def _choice_words(choice: ChoiceLine) -> str:
    """`approved by Mika Ito, 2026-11-26 00:06 UTC: “colours checked”`."""
    if choice.who is None:
        return "auto: made by a build, and nobody has said anything" if choice.level == "auto" else choice.level
    note = f": “{choice.note}”" if choice.note else ""
    return f"{choice.level} by {choice.who}, {choice.at} UTC{note}"
