"""Lines of the lock whose pictures have left the manifest. They stay until a person takes them out. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seedpipe.errors import UsageError
from seedpipe.names import Digest
from seedpipe.plan.select import glob_pattern
from seedpipe.state.lock import ImageEntry, Level, Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """`pruned` are to go; `kept_on_purpose` are orphans that a person chose and nobody has named.

    `unnamed` are the takes that no line names any more without those that go.
    """

    pruned: tuple[str, ...]
    kept_on_purpose: tuple[str, ...]
    unnamed: tuple[Digest, ...] = ()


def orphans(lock: Lock, addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses that the lock remembers and the manifest, which has `addresses`, no longer has."""
    return tuple(sorted(set(lock.entries) - set(addresses)))


def left_over(lock: Lock, addresses: Iterable[str]) -> Mapping[str, ImageEntry]:
    """The lines of bought pictures that are orphans."""
    return {name: entry for name in orphans(lock, addresses) if (entry := lock.image(name)) is not None}


def choose_orphans(lock: Lock, addresses: Iterable[str], targets: Sequence[str]) -> Chosen:
    """Which orphans are meant: all that nobody chose, or those that `targets` name, whoever chose them.

    Raises `UsageError` for a target that names no orphan.
    """
    present = set(addresses)
    left = orphans(lock, present)
    if not targets:
        by_person = tuple(name for name in left if _chosen_by_a_person(lock, name))
        return _chosen(lock, [name for name in left if name not in by_person], by_person)
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
    return _chosen(lock, list(named), ())


def _chosen(lock: Lock, pruned: Sequence[str], kept: tuple[str, ...]) -> Chosen:
    gone = set(pruned)
    lines = [(name, entry) for name in lock.entries if (entry := lock.image(name)) is not None]
    stay = {take for name, line in lines if name not in gone for take in line.all_takes}
    unnamed = dict.fromkeys(take for name, line in lines if name in gone for take in line.all_takes if take not in stay)
    return Chosen(pruned=tuple(pruned), kept_on_purpose=kept, unnamed=tuple(unnamed))


def names_address(target: str, address: str) -> bool:
    """Whether a name, a group or a glob means an address."""
    if any(character in target for character in "*?["):
        return re.fullmatch(glob_pattern(target), address) is not None
    below = target.rstrip("/")
    return address == target or address.startswith((f"{below}/", f"{below}#"))


def _chosen_by_a_person(lock: Lock, name: str) -> bool:
    entry = lock.entries[name]
    return isinstance(entry, ImageEntry) and entry.level is not Level.AUTO
