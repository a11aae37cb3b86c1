"""The user's own settings, `config.yaml` in the config folder: whom to trust, how much to spend, what models there are.

    trust:                                # hosts beyond the catalogue's that may be sent a key
      gateway.example.com: {key_env: GATEWAY_KEY}
      localhost:8080: {}
    budget: {per_build: 5 USD, per_month: [60 USD, 400 CNY]}   # a day or month over all projects
    catalogue: [~/models.yaml]            # files that override or add to the catalogue
    redis: redis://limits.example.com/0   # where several machines share the pace of an account

Only the user writes it; a manifest can't. All its faults are told at once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from seedpipe.errors import UsageError, why
from seedpipe.money import Money
from seedpipe.state.caps import CapKind

MAX_BYTES: Final = 1024 * 1024
BUDGET_KEYS: Final = {
    "per_build": CapKind.PER_RUN,
    "per_node": CapKind.PER_NODE,
    "per_day": CapKind.PER_DAY,
    "per_month": CapKind.PER_MONTH,
    "project": CapKind.PROJECT,
}
_HOST: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MEND: Final = "mend that file, or move it away: it holds your settings for all projects"
_TOP: Final = ("trust", "budget", "catalogue", "redis")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedHost:
    """A host that may be sent a key: the one that `login` saved for it, or the one in the variable `key_env`."""

    host: str
    key_env: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCap:
    """A cap of the user's; `source` says where it stands, for people."""

    kind: CapKind
    limit: Money
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSettings:
    """What `config.yaml` says; an absent file says nothing."""

    trusted: tuple[TrustedHost, ...] = ()
    caps: tuple[UserCap, ...] = ()
    catalogue_files: tuple[Path, ...] = ()
    redis: str | None = field(default=None, repr=False)  # may hold a password

    def trusted_host(self, host: str) -> TrustedHost | None:
        return next((one for one in self.trusted if one.host == host.lower()), None)


def read_settings(folder: Path) -> UserSettings:
    """The settings in `folder`. Raises `UsageError` with every fault and its line."""
    path = folder / "config.yaml"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return UserSettings()
    except OSError as error:
        raise UsageError(f"`{path}` can't be read: {why(error)}", hint=_MEND) from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"`{path}` has more than {MAX_BYTES:,} bytes", hint=_MEND)
    try:
        root = yaml.compose(data.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"`{path}` is not YAML: {_trouble(error)}", hint=_MEND) from None
    reader = _Reader(path)
    settings = reader.settings(root)
    if reader.faults:
        raise UsageError(f"`{path}`: " + "; ".join(reader.faults), hint=_MEND)
    return settings


def _trouble(error: Exception) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else " ".join(str(error).split())
    problem = (error.problem or "it can't be read").replace("'<stream end>'", "the end of the file")
    return f"line {error.problem_mark.line + 1}: {problem}"


class _Reader:
    """Walks the composed document; what is wrong is gathered in `faults`, each with its line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.faults: list[str] = []

    def settings(self, root: yaml.Node | None) -> UserSettings:
        if root is None:
            return UserSettings()
        parts = dict(self._entries(root, "the file"))
        for key, (node, _) in parts.items():
            if key not in _TOP:
                self._fault(node, f"`{key}` is not a setting; there are {', '.join(f'`{name}`' for name in _TOP)}")
        return UserSettings(
            trusted=tuple(self._trust(parts["trust"][1])) if "trust" in parts else (),
            caps=tuple(self._caps(parts["budget"][1])) if "budget" in parts else (),
            catalogue_files=tuple(self._files(parts["catalogue"][1])) if "catalogue" in parts else (),
            redis=self._text(parts["redis"][1], "`redis`") if "redis" in parts else None,
        )

    def _trust(self, node: yaml.Node) -> Iterator[TrustedHost]:
        for host, (key, value) in self._entries(node, "`trust`"):
            if not _HOST.match(host):
                self._fault(key, f"`{host}` is not a host like `api.example.com`, without scheme and path")
                continue
            variable = None
            for name, (name_node, name_value) in () if _is_null(value) else self._entries(value, f"`{host}`"):
                variable = self._text(name_value, f"`{name}`")
                if name != "key_env":
                    self._fault(name_node, f"`{name}` is not known here; there is `key_env`")
                elif variable is not None and not _VARIABLE.match(variable):
                    self._fault(name_value, f"`{variable}` is not the name of an environment variable")
            yield TrustedHost(host=host.lower(), key_env=variable)

    def _caps(self, node: yaml.Node) -> Iterator[UserCap]:
        for name, (key, value) in self._entries(node, "`budget`"):
            if name not in BUDGET_KEYS:
                known = ", ".join(f"`{known}`" for known in BUDGET_KEYS)
                self._fault(key, f"`{name}` is not a budget; there are {known}")
                continue
            amounts = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for amount in amounts:
                limit = self._money(amount, f"`{name}`")
                if limit is not None:
                    source = f"{self._path}:{amount.start_mark.line + 1}"
                    yield UserCap(kind=BUDGET_KEYS[name], limit=limit, source=source)

    def _money(self, node: yaml.Node, what: str) -> Money | None:
        text = self._text(node, what)
        if text is None:
            return None
        try:
            return Money.parse(text)
        except ValueError as error:
            self._fault(node, str(error))
            return None

    def _files(self, node: yaml.Node) -> Iterator[Path]:
        if not isinstance(node, yaml.SequenceNode):
            self._fault(node, "`catalogue` should be a list of files")
            return
        for item in node.value:
            text = self._text(item, "a catalogue file")
            if text:
                yield self._path.parent / Path(text).expanduser()

    def _entries(self, node: yaml.Node, what: str) -> Iterator[tuple[str, tuple[yaml.Node, yaml.Node]]]:
        if not isinstance(node, yaml.MappingNode):
            self._fault(node, f"{what} should be a mapping (`key: value`)")
            return
        seen: set[str] = set()
        for key, value in node.value:
            name = self._text(key, "a key")
            if name is None:
                continue
            if name in seen:
                self._fault(key, f"`{name}` stands twice")
                continue
            seen.add(name)
            yield name, (key, value)

    def _text(self, node: yaml.Node, what: str) -> str | None:
        if isinstance(node, yaml.ScalarNode) and not _is_null(node):
            return str(node.value)
        self._fault(node, f"{what} should be text")
        return None

    def _fault(self, node: yaml.Node, message: str) -> None:
        self.faults.append(f"line {node.start_mark.line + 1}: {message}")


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
