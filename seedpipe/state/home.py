"""Where precious state lives: the user's data folder, by project and realm. Nothing of it is in the work tree.

<home>/salt                                   for the names of accounts
<home>/projects/<project>/<realm>/            journal.sqlite  owners/  store/  takes/
<home>/accounts/<account>/                    pace.sqlite  owners/
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from seedpipe.errors import StateError, UsageError
from seedpipe.names import Realm, is_name
from seedpipe.state.files import fsync_folder, make_folder

_SALT_BYTES: Final = 32
_ID_ALPHABET: Final = "23456789abcdefghjkmnpqrstvwxyz"  # without what is easily mistaken
_FIRST: Final = (
    "amber",
    "birch",
    "cedar",
    "clear",
    "coral",
    "early",
    "north",
    "olive",
    "quiet",
    "river",
    "silver",
    "sunny",
)
_SECOND: Final = (
    "atlas",
    "canvas",
    "field",
    "frame",
    "garden",
    "harbor",
    "lamp",
    "meadow",
    "palette",
    "studio",
    "story",
)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def home_folder(environ: Mapping[str, str]) -> Path:
    """`SEEDPIPE_HOME`, else `XDG_DATA_HOME/seedpipe`, else `~/.local/share/seedpipe`; made with 0700 where missing.

    Raises `UsageError` for a relative `SEEDPIPE_HOME` and `StateError` for a folder that everybody may write to.
    """
    named = environ.get("SEEDPIPE_HOME")
    if named:
        folder = Path(named)
        if not folder.is_absolute():
            raise UsageError(
                f"`SEEDPIPE_HOME` is `{named}`; it should be an absolute path",
                hint="a relative one would be another folder wherever you stand, and forget what was paid",
            )
    else:
        folder = _xdg(environ, "XDG_DATA_HOME", ".local/share") / "seedpipe"
    make_folder(folder)
    if folder.stat().st_mode & 0o002:
        raise StateError(
            f"everybody may write to `{folder}`, where seedpipe keeps what was paid",
            hint=f"run `chmod go-w {folder}`, or set `SEEDPIPE_HOME` to a folder of your own",
        )
    return folder


def config_folder(environ: Mapping[str, str]) -> Path:
    """`XDG_CONFIG_HOME/seedpipe`, else `~/.config/seedpipe`. It need not exist."""
    return _xdg(environ, "XDG_CONFIG_HOME", ".config") / "seedpipe"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectState:
    """The paths of one project in one realm. Raises `UsageError` for an id that can't be a folder's name."""

    home: Path
    project_id: str
    realm: Realm

    def __post_init__(self) -> None:
        if not is_name(self.project_id) or len(self.project_id) > 100:
            raise UsageError(
                f"`{self.project_id[:100]}` can't be a project's id",
                hint="letters a to z, digits, `.`, `_` and `-`, at most 100: name it so in `project` of the manifest",
            )

    @property
    def folder(self) -> Path:
        return self.home / "projects" / self.project_id / self.realm.value

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def takes(self) -> Path:
        return self.folder / "takes"

    @property
    def journal(self) -> Path:
        return self.folder / "journal.sqlite"

    @property
    def owners(self) -> Path:
        return self.folder / "owners"


def new_project_id() -> str:
    """A random id that a person can read out: `amber-lamp-k3f9x2mq`. It goes into the lock at the first build."""
    tail = "".join(secrets.choice(_ID_ALPHABET) for _ in range(8))
    return f"{secrets.choice(_FIRST)}-{secrets.choice(_SECOND)}-{tail}"


def account_of(base_url: str, key: str, home: Path) -> str:
    """A name for the account behind a key at a base URL: 20 hex digits that say nothing about the key.

    The salt never leaves this machine, so the same account has another name elsewhere. Raises `UsageError` for a
    base URL without a host and `StateError` for a damaged salt: a new one would rename all accounts.
    """
    message = f"{normalised_base_url(base_url)}\0{key}".encode()
    return hmac.new(_salt(home / "salt"), message, hashlib.sha256).hexdigest()[:20]


def shared_account_of(base_url: str, key: str) -> str:
    """A name for the account that is the same on every machine: 32 hex digits that say nothing about the key.

    Keyed by the key itself, which is long and random: to guess it from the name is to guess it.
    """
    message = f"seedpipe shared limits\0{normalised_base_url(base_url)}".encode()
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()[:32]


def account_folder(home: Path, account: str) -> Path:
    """What all projects of this machine share for an account: its rate windows. Made where missing."""
    if not is_name(account):
        raise ValueError(f"`{account}` is not an account's name")
    folder = home / "accounts" / account
    make_folder(folder)
    return folder


def normalised_base_url(base_url: str) -> str:
    """Scheme and host in lower case; no user, default port, query or closing slash."""
    try:
        parts = urlsplit(base_url.strip())
        host, port, scheme = parts.hostname, parts.port, parts.scheme.lower()
    except ValueError:
        host = None
    if not host or scheme not in _DEFAULT_PORTS:
        raise UsageError(f"`{base_url}` is not a base URL", hint="write it like `https://api.example.com/v1`")
    host = f"[{host}]" if ":" in host else host
    shown_port = "" if port in (None, _DEFAULT_PORTS[scheme]) else f":{port}"
    return f"{scheme}://{host}{shown_port}{parts.path.rstrip('/')}"


def _xdg(environ: Mapping[str, str], name: str, below_home: str) -> Path:
    named = Path(environ.get(name, ""))
    if named.is_absolute():  # the standard: a relative one is to be ignored
        return named
    home = environ.get("HOME", "")
    return (Path(home) if home else Path.home()) / below_home


def _salt(path: Path) -> bytes:
    if not path.exists():
        _make_salt(path)
    salt = path.read_bytes()
    if len(salt) != _SALT_BYTES:
        raise StateError(
            f"`{path}` should hold {_SALT_BYTES} bytes and holds {len(salt)}",
            hint="restore it from a backup; without it accounts get new names and rate windows start anew",
        )
    return salt


def _make_salt(path: Path) -> None:
    """All at once: of two processes the quicker one's salt stays."""
    make_folder(path.parent)
    temporary = path.with_name(f".salt.{secrets.token_hex(4)}.tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(secrets.token_bytes(_SALT_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
        fsync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
