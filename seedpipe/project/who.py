"""Who decides: the name that git would write into a commit, else the login name."""

import getpass
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SECONDS = 5.0


def who_decides(folder: Path, environ: Mapping[str, str] = os.environ) -> str:
    """`Mika Ito <mika@example.com>`, or a login name. Control characters don't get into the record."""
    says = _git_says(folder)
    name = environ.get("GIT_AUTHOR_NAME") or says.get("author.name") or says.get("user.name", "")
    mail = environ.get("GIT_AUTHOR_EMAIL") or says.get("author.email") or says.get("user.email", "")
    if name:
        return _one_line(f"{name} <{mail}>" if mail else name)
    return _one_line(mail or login_name())


def login_name() -> str:
    """The name of the user whose process this is."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _git_says(folder: Path) -> Mapping[str, str]:
    """Setting → value of those that say who somebody is; empty where there is no git, or it doesn't know."""
    try:
        ran = subprocess.run(
            ["git", "-C", str(folder), "config", "-z", "--get-regexp", r"^(author|user)\.(name|email)$"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    said = (entry.partition("\n") for entry in ran.stdout.decode("utf-8", "replace").split("\0"))
    return {setting: value.strip() for setting, _, value in said if value}  # the last one counts, as for git


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
