"""What differs between the recipe that a derived picture was made by and the present one, as reasons. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from seedpipe.plan.document_changes import shown_value
from seedpipe.plan.reason import Reason
from seedpipe.plan.reasons import FieldChanged, LetteringChanged, RecipeChanged, ReferenceChanged, StepsChanged

Step = Mapping[str, Any]  # as in `key.recipe_document`
_APART = ("step", "revision", "font", "text")


def compare_recipes(
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any],
    *,
    inputs: Sequence[str],
    called: Callable[[str], str | None] = lambda _identity: None,
) -> tuple[Reason, ...]:
    """Both are documents of `key.recipe_document`; `old` is None where this machine never saw it.

    `inputs` are the addresses behind the inputs of `new`, of which some may not be known yet; `called` says whose picture
    an old one is.
    """
    if old is None:
        return (RecipeChanged(),)
    reasons = [*compare_steps(old["steps"], new["steps"]), *_other_inputs(old["inputs"], new["inputs"], inputs, called)]
    return tuple(dict.fromkeys(reasons))


def compare_steps(old: Sequence[Step], new: Sequence[Step]) -> Iterator[Reason]:
    """Steps that stand in both are compared option by option, the others come and go whole."""
    before, after = [step["step"] for step in old], [step["step"] for step in new]
    pairs: list[tuple[Step, Step]] = []
    added: list[Step] = []
    removed: list[Step] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if tag == "equal":
            pairs += zip(old[i1:i2], new[j1:j2], strict=True)
        else:
            removed += old[i1:i2]
            added += new[j1:j2]
    if added or removed:
        in_order = Counter(before) != Counter(after)
        yield StepsChanged(added=_named(added) if in_order else (), removed=_named(removed) if in_order else ())
    for was, now in pairs:
        yield from _options(was, now)


def _named(steps: Sequence[Step]) -> tuple[str, ...]:
    return tuple(f"{step['step']} {_essence(step)}".rstrip() for step in steps)


def _options(was: Step, now: Step) -> Iterator[Reason]:
    verb = now["step"]
    if was.get("text") != now.get("text"):
        yield LetteringChanged(old=was["text"], new=now["text"])
    if was.get("font") != now.get("font"):
        by_bytes = str(now.get("font")).startswith("sha256:")  # as in recipes; elsewhere it is named
        files = ("one file", "another") if by_bytes else map(shown_value, (was.get("font"), now.get("font")))
        old, new = files
        yield FieldChanged(field=f"{verb} font", old=old, new=new)
    if was["revision"] != now["revision"]:
        yield FieldChanged(field=f"{verb} revision", old=str(was["revision"]), new=str(now["revision"]))
    first, second = _flat(was), _flat(now)
    for name in dict.fromkeys([*first, *second]):
        if first.get(name) != second.get(name):
            field = f"{verb} {name}".rstrip()
            yield FieldChanged(field=field, old=shown_value(first.get(name)), new=shown_value(second.get(name)))


def _flat(step: Step) -> dict[str, Any]:
    """Options by name, width and height as one; what stands within a mapping under its own name."""
    told: dict[str, Any] = {}
    if step["step"] in ("crop", "resize"):
        told[""] = _essence(step)
    for name, value in step.items():
        if isinstance(value, Mapping):
            told |= value
        elif name not in _APART and not (told.get("") and name in ("width", "height", "pixels")):
            told[name] = value
    return told


def _essence(step: Step) -> str:
    """What a step says in its short form: `1200x630`, `16:9`, `webp`."""
    match step["step"]:
        case "crop":
            return f"{step['width']}{'x' if step['pixels'] else ':'}{step['height']}"
        case "resize":
            return f"{step['width'] or ''}x{step['height'] or ''}"
        case "convert":
            return str(step["format"])
    return ""


def _other_inputs(
    old: Sequence[str], new: Sequence[str], addresses: Sequence[str], called: Callable[[str], str | None]
) -> Iterator[Reason]:
    """Place by place: `from` first, then the overlays in the order of their steps."""
    for place, (address, now) in enumerate(zip(addresses, new, strict=True)):
        was = old[place] if place < len(old) else None
        if was is None or was == now or now.startswith("from:"):
            continue
        name = called(was)
        if name is None or name == address:
            yield ReferenceChanged(address=address)
        else:
            yield FieldChanged(field="from" if place == 0 else "overlay", old=name, new=address)
