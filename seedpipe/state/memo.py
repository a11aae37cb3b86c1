"""The memo: the answer of a command that changes nothing, given again while all that it rests on is as it was.

Only answers without money in them are remembered, of commands that wrote nothing. What an answer rests on: the words
of the command line, the environment, this installation of seedpipe, and files by their stamps (kind, inode, size,
times), as git's index does. A file that changed while the command ran, or so shortly before that its time stamp might
not show another change, is reason enough to remember nothing. With and without it every answer is the same.

It holds nothing precious: `SEEDPIPE_HOME/memo`, else `seedpipe/memo` in the user's cache folder. Only standard modules
that cost nothing are imported here: this is what runs before everything else.
"""

import contextlib
import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

FORMAT: Final = 2
MAX_ANSWER_CHARS: Final = 8_000_000
MAX_MEMOS: Final = 64  # answers kept; the oldest go first
_TICK_NS: Final = 50_000_000  # time stamps are taken from a clock that may lag this far behind
_COARSE_NS: Final = 2_000_000_000  # the same for a stamp of whole seconds, as some file systems have them
_PACKAGE: Final = Path(__file__).resolve().parent.parent
# What else the environment may say about places and about how an answer looks.
_VARIABLES: Final = ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "NO_COLOR", "FORCE_COLOR", "CLICOLOR",
                     "CLICOLOR_FORCE", "TERM", "COLUMNS", "CI", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONIOENCODING", "PYTHONUTF8")  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What a command said, in order (`out` or `err`, text), and its exit code."""

    said: Sequence[tuple[str, str]]
    code: int


@dataclass(frozen=True)
class Inputs:
    """Absolute paths that an answer rests on, whether something is there or not.

    `files`: what is behind them, after symlinks (files that were read, folders that were listed).
    `entries`: what stands there itself (output files). `present`: only whether anything is there.
    `absent`: what must not be there at all (a database's log, which grows without a trace of its own).
    """

    files: frozenset[str]
    entries: frozenset[str] = frozenset()
    present: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()


class Heard:
    """A stream whose words are also noted in `said`, for an answer to be remembered."""

    def __init__(self, stream: TextIO, name: str, said: list[tuple[str, str]]) -> None:
        self._stream, self._name, self._said = stream, name, said

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._stream, attribute)

    def write(self, text: str) -> int:
        self._said.append((self._name, text))
        return self._stream.write(text)


class Memo:
    """The remembered answer to one command line at one place. Times are nanoseconds since the epoch."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str], streams: Iterable[TextIO]) -> None:
        self.began = time.time_ns()
        self.folder = _folder(environ)
        asked = [FORMAT, sys.version, str(_PACKAGE), str(Path.cwd()), list(arguments), _said_by(environ)]
        asked.append([_terminal(stream) for stream in streams])
        self.path = self.folder / hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    def recall(self) -> Answer | None:
        """The answer, if everything it rests on is as it was. Anything odd about the file is as good as no file."""
        try:
            facts = self.path.lstat()
            if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
                return None
            head, *paths = self.path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
            answer = json.loads(head)
            files, entries = answer["files"], answer["files"] + answer["entries"]
            stamps = _Stamps(_PACKAGE)
            stamps.add(paths[:files], paths[files:entries], paths[entries:])
            if stamps.digest() != answer["stamps"]:
                return None
            return Answer(said=[(stream, text) for stream, text in answer["said"]], code=int(answer["code"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, answer: Answer, inputs: Inputs) -> None:
        """Keeps the answer, if nothing that it rests on changed since this command began, or hardly before."""
        groups = [sorted(inputs.files), sorted(inputs.entries), sorted(inputs.present | inputs.absent)]
        paths = [path for group in groups for path in group]
        if sum(len(text) for _, text in answer.said) > MAX_ANSWER_CHARS or any("\n" in path for path in paths):
            return
        if any(map(os.path.lexists, inputs.absent)):
            return
        stamps = _Stamps(_PACKAGE)
        stamps.add(*groups)
        if stamps.latest >= self.began - _TICK_NS or stamps.latest_coarse >= self.began - _COARSE_NS:
            return
        head = {"files": len(groups[0]), "entries": len(groups[1]), "stamps": stamps.digest()}
        text = json.dumps(head | {"said": answer.said, "code": answer.code})
        with contextlib.suppress(OSError):
            self._write("\n".join([text, *paths]).encode("utf-8", "surrogateescape"))

    def _write(self, data: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self.path.with_suffix(f".{os.getpid()}")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        temporary.replace(self.path)
        by_age = sorted(self.folder.iterdir(), key=lambda path: path.lstat().st_mtime_ns, reverse=True)
        for path in by_age[MAX_MEMOS:]:
            path.unlink()


class _Stamps:
    """What stands at many paths, folded into one digest; and when the latest of it changed.

    All that is installed in `package`, code and catalogue, is among it: another version may answer otherwise.
    """

    def __init__(self, package: Path) -> None:
        self._hasher = hashlib.sha256()
        self.latest = 0
        self.latest_coarse = 0  # of those stamps that are whole seconds
        paths = _installed(package)
        self._hasher.update("\n".join(paths).encode("utf-8", "surrogateescape"))
        self._add(paths, os.stat)

    def add(self, files: Iterable[str], entries: Iterable[str], present: Iterable[str]) -> None:
        self._add(files, os.stat)
        self._add(entries, os.lstat)
        for path in present:
            self._hasher.update(b"1" if os.path.lexists(path) else b"0")

    def _add(self, paths: Iterable[str], look: Callable[[str], os.stat_result]) -> None:
        for path in paths:
            try:
                facts = look(path)
            except (FileNotFoundError, NotADirectoryError):
                self._hasher.update(b"absent\n")
                continue
            changed = max(facts.st_mtime_ns, facts.st_ctime_ns)
            self._hasher.update(
                b"%d %d %d %d %d\n" % (facts.st_mode, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
            )
            if changed > self.latest:
                self.latest = changed
            if changed > self.latest_coarse and changed % 1_000_000_000 == 0:
                self.latest_coarse = changed

    def digest(self) -> str:
        return self._hasher.hexdigest()


def _folder(environ: Mapping[str, str]) -> Path:
    named = Path(environ.get("SEEDPIPE_HOME", ""))
    if named.is_absolute():
        return named / "memo"
    cache = Path(environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():
        cache = (Path(environ["HOME"]) if environ.get("HOME") else Path.home()) / ".cache"
    return cache / "seedpipe" / "memo"


def _said_by(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Every setting of ours but keys, which change no answer and belong into no file."""
    ours = (name for name in environ if name.startswith("SEEDPIPE_") and "KEY" not in name)
    return [(name, environ[name]) for name in sorted({*ours, *(name for name in _VARIABLES if name in environ)})]


def _terminal(stream: TextIO) -> tuple[bool, int]:
    """Whether somebody looks at it, and how wide it is."""
    try:
        return (True, os.get_terminal_size(stream.fileno()).columns) if stream.isatty() else (False, 0)
    except (OSError, ValueError):
        return False, 0


def _installed(package: Path) -> list[str]:
    """Its files. Some hundred, so nobody asks before there is an answer that rests on them."""
    found = []
    for folder, folders, names in os.walk(package):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [f"{folder}/{name}" for name in names]
    return sorted(found)
