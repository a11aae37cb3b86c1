"""Commands that are told to people, with the flags by which they mean the same pictures: a proof's, a profile's. Pure."""

import re
import shlex
from collections.abc import Sequence
from typing import Final

_COMMAND: Final = re.compile(r"`seedpipe (?P<verb>lock prune|[a-z]+)(?P<rest>(?: [^`]*)?)`")
_TAKE_FLAGS: Final = frozenset(
    [
        "plan",
        "build",
        "status",
        "explain",
        "graph",
        "takes",
        "reroll",
        "pick",
        "approve",
        "pin",
        "unpin",
        "keep",
        "adopt",
        "restore",
        "note",
        "mv",
        "undo",
        "promote",
        "upgrade",
        "resolve",
    ]
) | {"lock prune"}


def flags_of(
    *, proof: bool = False, profile: str | None = None, variables: Sequence[str] = (), provider: str | None = None
) -> tuple[str, ...]:
    """As they were given: `--profile draft`, `--var k=v`, `--provider byteplus`, `--proof`."""
    given = [("--profile", profile), *(("--var", pair) for pair in variables), ("--provider", provider)]
    said = [f"{name} {shlex.quote(value)}" for name, value in given if value is not None]
    return (*said, *(["--proof"] * proof))


def with_flags(text: str, flags: Sequence[str]) -> str:
    """`text` with `flags` in every command that takes them and has none of the kind yet."""
    if not flags:
        return text
    return _COMMAND.sub(lambda found: _flagged(found, flags), text)


def _flagged(found: re.Match[str], flags: Sequence[str]) -> str:
    if found["verb"] not in _TAKE_FLAGS:
        return found[0]
    lacking = [flag for flag in flags if flag.partition(" ")[0] not in found["rest"].split()]
    return "`" + " ".join([f"seedpipe {found['verb']}{found['rest']}", *lacking]) + "`"
