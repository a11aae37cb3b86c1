"""Paths as the manifest writes them: relative to the file that names them, always with `/`."""

import posixpath
import re
from collections.abc import Sequence
from typing import Final

from seedpipe.manifest.wording import nearest
from seedpipe.names import natural_key
from seedpipe.source import ProjectFiles, ReadRefusedError

_DRIVE: Final = re.compile(r"[A-Za-z]:[/\\]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
MAX_LOOKED_AT: Final = 2000  # files that are compared for "did you mean"


class PathRefusedError(Exception):
    """A path that cannot be used, with a sentence and a hint."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def resolve(base: str, written: str) -> str:
    """The path relative to the project's folder of `written`, which stands in the file `base`.

    Raises `PathRefusedError` for what is no relative POSIX path. Whether a path may be read is `ProjectFiles`' word.
    """
    text = written.strip()
    if not text:
        raise PathRefusedError("the path is empty", "name a file, like `art/logo.png`")
    if _CONTROL.search(text):
        raise PathRefusedError("the path holds a control character", "take it out")
    if text.startswith(("/", "~")) or _DRIVE.match(text):
        raise PathRefusedError(f"`{text}` is an absolute path", "write it relative to the file that names it")
    if "\\" in text:
        raise PathRefusedError(f"`{text}` holds a backslash", f"write `{text.replace(chr(92), '/')}`")
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), text))


def is_glob(text: str) -> bool:
    return any(mark in text for mark in "*?[")


def stem(path: str) -> str:
    """`copy/fr-CH.yaml` → `fr-CH`."""
    return posixpath.splitext(posixpath.basename(path))[0]


_MADE: Final = ("build/", ".seedpipe/")  # nobody means a picture that is made here by the name of one that is missing


def similar_files(files: ProjectFiles, path: str) -> str | None:
    """A hint that names the file that was probably meant."""
    folder, name = posixpath.split(path)
    for pattern in (posixpath.join(folder, "*"), f"**/{name}", "**/*"):
        found = [item for item in _look(files, pattern) if path.startswith(_MADE) or not item.startswith(_MADE)]
        by_name = {posixpath.basename(item): item for item in reversed(found)}
        if name in by_name:
            return f"did you mean `{by_name[name]}`?"
        close = nearest(name, by_name)
        if close is not None:
            return f"did you mean `{by_name[close]}`?"
    return None


def _look(files: ProjectFiles, pattern: str) -> Sequence[str]:
    try:
        found = files.glob(pattern)
    except (OSError, ReadRefusedError):
        return ()
    return sorted(found[:MAX_LOOKED_AT], key=natural_key)
