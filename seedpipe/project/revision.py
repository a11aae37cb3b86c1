"""A project's files as they were at a git revision, read from git's own store: nothing is checked out."""

import fnmatch
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from seedpipe.errors import UsageError
from seedpipe.images.probe import pixel_digest
from seedpipe.limits import MAX_FILE_BYTES, MAX_PICTURE_BYTES
from seedpipe.names import Digest, natural_key
from seedpipe.project.git import GitError, run_git, trouble
from seedpipe.source import ReadRefusedError
from seedpipe.state.files import lfs_pointer

_LINKS = 10  # symlinks followed on the way to a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    mode: str
    id: str
    size: int

    @property
    def is_link(self) -> bool:
        return self.mode == "120000"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionFiles:
    """Implements `source.ProjectFiles`. `prefix` is the project's folder in the tree, empty or ending with `/`."""

    folder: Path = field(repr=False)
    name: str
    commit: str
    prefix: str
    blobs: dict[str, Blob] = field(repr=False)  # path in the tree → blob

    def read(self, path: str) -> bytes:
        return self._bytes(path, MAX_FILE_BYTES)

    def picture(self, path: str) -> bytes:
        """The bytes of a picture; a Git LFS pointer where the picture itself is not in git."""
        return self._bytes(path, MAX_PICTURE_BYTES)

    def picture_digest(self, path: str) -> Digest:
        data = self.picture(path)
        pointer = lfs_pointer(data)
        return Digest.of(data) if pointer is None else pointer.digest

    def pixel_digest(self, path: str) -> Digest:
        """Of a picture that is only pointed to, its digest stands in: it can't be decoded here."""
        data = self.picture(path)
        pointer = lfs_pointer(data)
        return pixel_digest(data, name=path) if pointer is None else pointer.digest

    def exists(self, path: str) -> bool:
        return self._find(path) is not None

    def glob(self, pattern: str) -> Sequence[str]:
        parts = self._inside(pattern).split("/")
        found = []
        for path in self.blobs:
            if _matches(parts, path.split("/")):
                relative = posixpath.relpath(path, self.prefix or ".")
                found.append(relative)
        return tuple(sorted(found, key=natural_key))

    def formerly(self, path: str) -> "tuple[RevisionFiles, str] | None":
        """Where git finds what is at `path` now: the project's files as they stood there then, and the file's name."""
        now = self._inside(path)
        options = ("--cached", "--find-renames", "--diff-filter=R", "--name-status", "-z")  # the index: no filter runs
        listed = run_git(self.folder, "diff-index", *options, self.commit) or b""
        words = listed.decode("utf-8", "surrogateescape").split("\0")
        old = next((old for _, old, new in zip(*[iter(words)] * 3, strict=False) if new == now), None)
        if old is None:
            return None
        folder, name = posixpath.split(old)
        return replace(self, prefix=f"{folder}/" if folder else ""), name

    def _bytes(self, path: str, limit: int) -> bytes:
        blob = self._find(path)
        if blob is None:
            raise FileNotFoundError(2, "no such file", path)
        if blob.size > limit:
            raise ReadRefusedError(f"`{path}` has {blob.size:,} bytes; at most {limit:,} are read")
        data = run_git(self.folder, "cat-file", "blob", blob.id)
        if data is None:
            raise ReadRefusedError(f"`{path}` can't be read from git at `{self.name}`")
        return data

    def _find(self, path: str) -> Blob | None:
        place = self._inside(path)
        for _ in range(_LINKS):
            blob = self.blobs.get(place)
            if blob is None or not blob.is_link:
                return blob
            target = run_git(self.folder, "cat-file", "blob", blob.id) or b""
            place = _normal(posixpath.join(posixpath.dirname(place), target.decode("utf-8", "replace")), path)
        raise ReadRefusedError(f"`{path}` is a symlink that leads in a circle")

    def _inside(self, path: str) -> str:
        return _normal(posixpath.join(self.prefix, path), path)


def open_revision(root: Path, revision: str) -> RevisionFiles:
    """The files of the project in `root` at `revision`. Raises `UsageError` for a revision that git does not know."""
    prefix = run_git(root, "rev-parse", "--show-prefix")
    if prefix is None:
        said = trouble(root)
        if said is not None:
            raise GitError(f"git does not read `{root.name}`: {said}", hint="`git status` says what to do about it")
        raise GitError(
            f"`{root.name}` is not in a git work tree: there is no earlier state to compare with",
            hint="`git init`, and commit the project: then there is one",
        )
    commit = run_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        shallow = run_git(root, "rev-parse", "--is-shallow-repository") == b"true\n"
        raise UsageError(
            f"git knows no revision `{revision}`",
            hint=_unknown_words(revision, shallow=shallow),
        )
    named = commit.decode().strip()
    listed = run_git(root, "ls-tree", "-r", "-z", "--full-tree", "--long", named)
    blobs = dict(_blobs(listed or b""))
    return RevisionFiles(folder=root, name=revision, commit=named, prefix=prefix.decode().strip(), blobs=blobs)


def _unknown_words(revision: str, *, shallow: bool) -> str:
    if shallow:
        return "this clone has not all of its history: `git fetch --unshallow` brings the rest"
    if revision == "HEAD":
        return "nothing is committed yet: commit the project, and later changes have something to be compared with"
    return "a branch, a tag or a commit; default: HEAD"


def _blobs(listed: bytes) -> Iterator[tuple[str, Blob]]:
    for line in listed.decode("utf-8", "surrogateescape").split("\0"):
        facts, tab, path = line.partition("\t")
        if tab:
            mode, kind, name, size = facts.split()
            if kind == "blob":
                yield path, Blob(mode=mode, id=name, size=int(size))


def _normal(path: str, shown: str) -> str:
    normal = posixpath.normpath(path)
    if normal.startswith(("../", "/")) or normal == "..":
        raise ReadRefusedError(f"`{shown}` leads out of the git work tree: nothing is read there")
    return normal


def _matches(parts: Sequence[str], names: Sequence[str]) -> bool:
    """As `WorkTreeFiles.glob`: `*` stays in a folder, `**` is any number of them, hidden ones only when said so."""
    if not parts:
        return not names
    head, rest = parts[0], parts[1:]
    if head == "**":
        rest = rest or ["*"]
        return _matches(rest, names) or (bool(names) and not names[0].startswith(".") and _matches(parts, names[1:]))
    if not names:
        return False
    hidden = names[0].startswith(".") and not head.startswith(".")
    return fnmatch.fnmatchcase(names[0], head) and not hidden and _matches(rest, names[1:])
