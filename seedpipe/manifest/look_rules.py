"""What `looks` of an entry may be called, and which vars they may change: checked once, whatever the items are."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from seedpipe.errors import Fault
from seedpipe.limits import MAX_LOOKS
from seedpipe.manifest.definition import Place, Setting
from seedpipe.manifest.fields import SCALARS
from seedpipe.manifest.segments import segment_fault, segment_hint
from seedpipe.manifest.wording import did_you_mean

_KEYS: Final = frozenset(("prompt", "prompt_file", "references", *SCALARS))  # of a picture, that one may want to change


def look_faults(setting: Setting, *, address: str, known: Collection[str], axes: Collection[str]) -> Iterator[Fault]:
    """`known` are the names of the project's vars, `axes` those of the entry's matrix."""
    written: Mapping[str, Mapping[str, Any]] = setting.value
    if not 1 <= len(written) <= MAX_LOOKS:
        message = f"a picture has 1 to {MAX_LOOKS} looks; this one has {len(written)}"
        yield Fault(code="bad-looks", message=message, position=setting.place.key_position, address=address)
    seen: dict[str, str] = {}
    for name, values in written.items():
        place = setting.place.below(name)
        wrong, other = segment_fault(name), seen.setdefault(name.lower(), name)
        if wrong is not None:
            wrong = wrong.replace("cannot be part of an address", "cannot be the name of a look")
            yield Fault(
                code="bad-name", message=wrong, position=place.key_position, hint=segment_hint(name), address=address
            )
        elif other != name:
            message, hint = f"the looks `{other}` and `{name}` differ by case only", "rename one of them"
            yield Fault(code="case-clash", message=message, position=place.key_position, hint=hint, address=address)
        for var in values:
            yield from _var_faults(name, var, place, address=address, known=known, axes=axes)


def _var_faults(
    look: str, var: str, place: Place, *, address: str, known: Collection[str], axes: Collection[str]
) -> Iterator[Fault]:
    if var in axes:
        message = f"the look `{look}` changes `{var}`, which is an axis of the matrix"
        hint: str | None = "a look gives other values to `vars`; what an axis says, each item has for itself"
    elif var not in known:
        message = f"the look `{look}` changes `{var}`, and `vars` has no such name"
        first = f"define `{var}` under `vars` first"
        if var in _KEYS:
            first = f'a look gives other values to `vars`: write `{var}: "{{{{ … }}}}"` with a var, and change that one'
        hint = did_you_mean(var, list(known), otherwise=first)
    else:
        return
    position = place.below(var).key_position
    yield Fault(code="unknown-var", message=message, position=position, hint=hint, address=address)
