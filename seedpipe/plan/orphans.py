"""Lines of the lock whose pictures have left the manifest. They stay until a person takes them out. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seedpipe.errors import UsageError
from seedpipe.plan.select import glob_pattern
from seedpipe.state.lock import ImageEntry, Level, Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """`pruned` are to go; `kept_on_purpose` are orphans that a person chose and nobody has named."""

    pruned: tuple[str, ...]
    kept_on_purpose: tuple[str, ...]


def orphans(lock: Lock, addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses that the lock remembers and the manifest, which has `addresses`, no longer has."""
    return tuple(sorted(set(lock.entries) - set(addresses)))


def choose_orphans(lock: Lock, addresses: Iterable[str], targets: Sequence[str]) -> Chosen:
    """Which orphans are meant: all that nobody chose, or those that `targets` name, whoever chose them.

    Raises `UsageError` for a target that names no orphan.
    """
    present = set(addresses)
    left = orphans(lock, present)
    if not targets:
        by_person = tuple(name for name in left if _chosen_by_a_person(lock, name))
        return Chosen(pruned=tuple(name for name in left if name not in by_person), kept_on_purpose=by_person)
    named: dict[str, None] = {}
    for target in targets:
        found = [name for name in left if names_address(target, name)]
        if not found:
            there = any(names_address(target, name) for name in present)
            why = "is in the manifest" if there else "is not in the lock"
            raise UsageError(
                f"`{target}` names nothing that has left the manifest: it {why}",
                hint="`seedpipe lock prune --dry-run` lists what has",
            )
        named |= dict.fromkeys(found)
    return Chosen(pruned=tuple(named), kept_on_purpose=())


def names_address(target: str, address: str) -> bool:
    """Whether a name, a group or a glob means an address."""
    if any(character in target for character in "*?["):
        return re.fullmatch(glob_pattern(target), address) is not None
    below = target.rstrip("/")
    return address == target or address.startswith((f"{below}/", f"{below}#"))


def _chosen_by_a_person(lock: Lock, name: str) -> bool:
    entry = lock.entries[name]
    return isinstance(entry, ImageEntry) and entry.level is not Level.AUTO
