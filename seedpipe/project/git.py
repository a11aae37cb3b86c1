"""What git says of the work tree: files as they were, and the sides of a merge. Nothing is ever written."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from seedpipe.errors import UsageError

_SECONDS = 60.0
# a repository's own settings must not start programs of theirs
_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
STAGES = {"base": 1, "ours": 2, "theirs": 3}


class GitError(UsageError):
    """git is not there, or can't answer."""


def run_git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints; None where it says no. Raises `GitError` if there is no git, or it doesn't end."""
    try:
        ran = subprocess.run(
            ["git", "-C", str(folder), "--no-optional-locks", *_QUIET, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise GitError("there is no `git` here", hint="install git, or name the files") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(
            f"git does not answer: {error}", hint="run `git status` here: it says what holds git up"
        ) from None
    return ran.stdout if ran.returncode == 0 else None


def trouble(folder: Path) -> str | None:
    """Why git won't look at `folder`, in its own words, if that is another reason than that it is no work tree."""
    if not any((place / ".git").exists() for place in (folder.resolve(), *folder.resolve().parents)):
        return None
    ran = subprocess.run(
        ["git", "-C", str(folder), *_QUIET, "rev-parse", "--show-prefix"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    said = ran.stderr.decode("utf-8", "replace").strip()
    return said.splitlines()[0].removeprefix("fatal: ") if said else None


def merge_sides(folder: Path, name: str) -> Mapping[str, bytes] | None:
    """`base`, `ours` and `theirs` (those there are) of a file that git could not merge; None if it is not unmerged."""
    listed = run_git(folder, "ls-files", "--unmerged", "-z", "--", name)
    if not listed:
        return None
    sides = {}
    for side, stage in STAGES.items():
        data = run_git(folder, "cat-file", "blob", f":{stage}:./{name}")
        if data is not None:
            sides[side] = data
    return sides
