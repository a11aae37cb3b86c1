"""What differs between the request that a picture was made for and the one that is asked for now, as reasons. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from seedpipe.names import Digest
from seedpipe.plan.reason import Reason
from seedpipe.plan.reasons import FieldChanged, PromptChanged, ReferenceChanged, ReferencesChanged, SharedWordsChanged

_SHARED: Final = ("shared", "compose")  # texts of a frame's document that all frames of its sequence have


def compare_documents(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    old_words: Mapping[str, str],
    defaults: Mapping[str, Any],
    references: Sequence[str],
    called: Callable[[str], str | None] = lambda _identity: None,
) -> tuple[Reason, ...]:
    """What differs between the remembered document and the present one.

    `old` is a lock's `asked` (texts as digests), `old_words` those of its texts that this machine remembers, `new` a
    request document with its words; `references` are the addresses behind the new document's references, `called`
    says whose picture an old one is.
    """
    reasons: list[Reason] = []
    if old.get("prompt") != _digest_of(new["prompt"]):
        reasons.append(PromptChanged(old=old_words.get("prompt"), new=new["prompt"]))
    for name in _SHARED:
        if old.get(name) != _digest_of(new.get(name)):
            known = name not in old or name in old_words
            before = old_words.get(name, "") if known else None
            reasons.append(SharedWordsChanged(old=before, new=new.get(name, "")))
    for name in ("model", *(name for name in defaults if name not in _SHARED)):
        before, after = old.get(name, defaults.get(name)), new.get(name, defaults.get(name))
        if before != after:
            reasons.append(FieldChanged(field=name, old=shown_value(before), new=shown_value(after)))
    reasons += _compare_references(old.get("references", []), new.get("references", []), references, called)
    return tuple(reasons)


def _compare_references(
    old: Sequence[str], new: Sequence[str], addresses: Sequence[str], called: Callable[[str], str | None]
) -> Sequence[Reason]:
    """By the pictures first: one that is there before and after is no change, whatever its address is called now."""
    if list(old) == list(new):
        return ()
    come = list(zip(addresses, new, strict=True))
    gone = []
    for identity in old:
        found = next((pair for pair in come if pair[1] == identity), None)
        if found is None:
            gone.append(called(identity))
        else:
            come.remove(found)
    added = [address for address, _ in come if address not in gone]
    removed = [name for name in gone if name not in [address for address, _ in come]]
    changed = [address for address, _ in come if address in gone]
    if added and len(added) == len(removed) and not any(removed):
        changed, added, removed = [address for address, _ in come], [], []  # the lock knows no other name for them
    reasons: list[Reason] = [ReferenceChanged(address=address) for address in changed]
    if added or removed or not reasons:
        named = tuple(name for name in removed if name is not None)
        known = len(named) == len(removed)
        reasons.append(
            ReferencesChanged(
                before=len(old), after=len(new), added=tuple(added) if known else (), removed=named if known else ()
            )
        )
    return reasons


def _digest_of(text: str | None) -> str | None:
    return None if text is None else str(Digest.of(text.encode()))


def shown_value(value: Any) -> str:
    """An option's value for people."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
