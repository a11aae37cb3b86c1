"""Who decides: the name that git would write into a commit, else the login name."""

import getpass
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SECONDS = 5.0


def who_decides(folder: Path, environ: Mapping[str, str] = os.environ) -> str:
    """`Mika Ito <mika@example.com>`, or a login name. Control characters don't get into the record."""
    name = environ.get("GIT_AUTHOR_NAME") or _git_says(folder, "user.name")
    mail = environ.get("GIT_AUTHOR_EMAIL") or _git_says(folder, "user.email")
    if name:
        return _one_line(f"{name} <{mail}>" if mail else name)
    return _one_line(mail or login_name())


def login_name() -> str:
    """The name of the user whose process this is."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _git_says(folder: Path, setting: str) -> str:
    """Empty where there is no git, or it doesn't know."""
    try:
        ran = subprocess.run(
            ["git", "-C", str(folder), "config", "--get", setting],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.decode("utf-8", "replace").strip() if ran.returncode == 0 else ""


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
