"""The user's keys by host, in a file that only the user may read. Keys never appear in a repr, a log or a message."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from seedpipe.errors import UsageError, why
from seedpipe.state.files import FileLock, make_folder, write_atomically

FORMAT: Final = 1


class Credentials:
    """`credentials.json` in the user's config folder: host (with a port where it has one) → key.

    A host whose paths have keys of their own is `host/path`.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "credentials.json"

    def hosts(self) -> tuple[str, ...]:
        """The hosts that have a key, sorted."""
        return tuple(sorted(self._read()))

    def key_for(self, host: str) -> str | None:
        """Raises `UsageError` for a file that others may read, or that can't be understood."""
        return self._read().get(host.lower())

    def save(self, host: str, key: str) -> None:
        """Binds `key` to `host` for good; an earlier one is replaced."""
        key = key.strip()
        if not key or any(not 33 <= ord(letter) <= 126 for letter in key):
            raise UsageError("the key is empty or holds blanks or letters that no key has", hint="paste it again")
        check_host(host)
        make_folder(self.path.parent)
        with self._lock():
            self._write({**self._read(), host.lower(): key})

    def remove(self, host: str) -> bool:
        """Whether there was a key to remove."""
        if not self.path.exists():
            return False
        with self._lock():
            keys = dict(self._read())
            if keys.pop(host.lower(), None) is None:
                return False
            self._write(keys)
            return True

    def _lock(self) -> FileLock:
        return FileLock(self.path.with_name(".credentials.lock"))

    def _write(self, keys: Mapping[str, str]) -> None:
        text = json.dumps({"format": FORMAT, "keys": keys}, indent=2, sort_keys=True)
        write_atomically(self.path, f"{text}\n".encode(), mode=0o600)

    def _read(self) -> Mapping[str, str]:
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise UsageError(
                f"`{self.path}` can't be read: {why(error)}",
                hint="it has to be a file of yours; `seedpipe login` writes it anew",
            ) from None
        with os.fdopen(fd, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & 0o077:
                raise UsageError(
                    f"`{self.path}` holds keys and others may read it (mode {mode & 0o777:04o})",
                    hint=f"run `chmod 600 {self.path}`; consider the keys in it known to others",
                )
            data = file.read(1024 * 1024)
        return _keys(data, self.path)


def check_host(host: str) -> None:
    """Raises `UsageError` for what is no host, perhaps with a path."""
    if not host.partition("/")[0] or "://" in host or host != host.strip():
        raise UsageError(f"`{host}` is not a host", hint="name it like `api.example.com` or `localhost:8080`")


def _keys(data: bytes, path: Path) -> Mapping[str, str]:
    try:
        document = json.loads(data)
        version, keys = document["format"], document["keys"]
        if not all(isinstance(key, str) for key in keys.values()):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(
            f"`{path}` can't be understood", hint="move it away, then run `seedpipe login` again"
        ) from None
    if version != FORMAT:
        raise UsageError(f"`{path}` is of format {version!r}; this seedpipe knows {FORMAT}", hint="upgrade seedpipe")
    return {host.lower(): key for host, key in keys.items()}
