"""Manifest files → `Manifest`: includes followed, profile and `--var` applied, all faults of all files at once."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from seedpipe.errors import FaultCollector, ManifestError, Severity
from seedpipe.limits import MANIFEST_FORMAT
from seedpipe.manifest.definition import (
    Budget,
    Definition,
    Manifest,
    Moved,
    Place,
    Provider,
    Setting,
    TableSource,
    Var,
)
from seedpipe.manifest.document import plain_value
from seedpipe.manifest.garbage import paused_collection
from seedpipe.manifest.paths import PathRefusedError, resolve
from seedpipe.manifest.read_files import FilesReader, ManifestPart
from seedpipe.manifest.values import describe
from seedpipe.manifest.wording import did_you_mean
from seedpipe.money import Money
from seedpipe.names import is_name, suggest_slug
from seedpipe.source import Position, ProjectFiles

_IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
TAKEN_NAMES: Final = frozenset(
    [
        "refs",
        "item",
        "frame",
        "vars",
        "data",
        "loop",
        "self",
        "caller",
        "varargs",
        "kwargs",
        "not",
        "and",
        "or",
        "if",
        "else",
        "elif",
        "in",
        "is",
        "true",
        "false",
        "none",
        "True",
        "False",
        "None",
        "range",
        "namespace",
    ]
)
_BASE_URL: Final = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?\Z")

T = TypeVar("T")


def parse_manifest(
    files: ProjectFiles, path: str, *, profile: str | None = None, variables: Mapping[str, str] | None = None
) -> Manifest:
    """Read the manifest at `path` and all that it includes. Raises `ManifestError` with every fault."""
    manifest, error = parse_what_is_sound(files, path, profile=profile, variables=variables)
    if error is not None:
        raise error
    return manifest


def parse_what_is_sound(
    files: ProjectFiles, path: str, *, profile: str | None = None, variables: Mapping[str, str] | None = None
) -> tuple[Manifest, ManifestError | None]:
    """As `parse_manifest`: what is left when all that is wrong is taken out, and what that is."""
    with paused_collection():
        return _Assembler(files, path).manifest(profile, variables or {})


def check_identifier(faults: FaultCollector, kind: str, name: str, position: Position) -> None:
    """Whether templates can say `name`."""
    if name in TAKEN_NAMES:
        faults.add("reserved-name", f"the {kind} name `{name}` has a meaning in templates", position, hint="rename it")
    elif not _IDENTIFIER.match(name):
        better = re.sub(r"[^A-Za-z0-9_]+", "_", suggest_slug(name)).strip("_")
        hint = f"write `{better}`" if _IDENTIFIER.match(better) else "letters, digits and `_`, a letter first"
        faults.add("bad-name", f"templates cannot say the {kind} name `{name}`", position, hint=hint)


class _Assembler:
    """Puts the parts together."""

    def __init__(self, files: ProjectFiles, path: str) -> None:
        self.path = path
        self.faults = FaultCollector()
        self.reader = FilesReader(files, self.faults)

    @property
    def parts(self) -> list[ManifestPart]:
        return self.reader.parts

    def manifest(self, profile: str | None, variables: Mapping[str, str]) -> tuple[Manifest, ManifestError | None]:
        self.reader.read(self.path)
        self._check_format()
        chosen = self._chosen_profile(profile)
        variables_ = self._variables(chosen, variables)
        manifest = Manifest(
            path=self.path,
            project=self._project(),
            provider=self._provider(),
            budget=self._budget(),
            profile=profile,
            profiles=tuple(name for name, _ in self._profiles()),
            vars=variables_,
            tables=tuple(self._tables(variables_)),
            templates=self._templates(),
            defaults=self._one_each(
                (name, setting) for file in self.parts for name, setting in _settings(file, ("defaults",))
            ),
            force={} if chosen is None else dict(_settings(chosen[0], ("profiles", chosen[1], "force"))),
            definitions=tuple(self._definitions()),
            files=tuple(self.reader.paths),
            frozen_files=tuple(self.reader.frozen),
            warnings=tuple(fault for fault in self.faults.faults if fault.severity is Severity.WARNING),
            moved=tuple(self._moved()),
            documents={part.document.name: part.document for part in self.parts},
        )
        error = ManifestError(self.faults.faults, texts=self.reader.texts) if self.faults.errors else None
        return manifest, error

    def _check_format(self) -> None:
        for index, file in enumerate(self.parts):
            number = file.model.seedpipe
            place = Place(document=file.document, path=("seedpipe",))
            if number is None:
                if index == 0 and file.document.name == self.path and "seedpipe" not in file.document.value:
                    message = "the manifest does not say its format"
                    hint = f"begin it with `seedpipe: {MANIFEST_FORMAT}`"
                    self.faults.add("missing-key", message, Position(self.path, 1, 1), hint=hint)
            elif number != MANIFEST_FORMAT:
                newer = isinstance(number, int) and number > MANIFEST_FORMAT
                hint = "install a newer seedpipe" if newer else f"write `seedpipe: {MANIFEST_FORMAT}`"
                message = f"this seedpipe reads manifest format {MANIFEST_FORMAT}, found {describe(number)}"
                self.faults.add("format", message, place.position, hint=hint)

    def _one_each(self, items: Iterable[tuple[str, T]]) -> dict[str, T]:
        """A mapping; a name that is defined twice is a fault with both places."""
        found: dict[str, T] = {}
        for name, item in items:
            if name in found:
                self._twice(name, _place(found[name]), _place(item))
            else:
                found[name] = item
        return found

    def _twice(self, name: str, first: Place, second: Place) -> None:
        message = f"`{name}` is defined twice; first at {first.key_position}"
        self.faults.add("defined-twice", message, second.key_position, hint="rename or remove one of them")

    def _single(self, key: str) -> tuple[Any, Place] | None:
        found = [
            (value, Place(document=file.document, path=(key,)))
            for file in self.parts
            if (value := getattr(file.model, key)) is not None
        ]
        for _, place in found[1:]:
            self._twice(key, found[0][1], place)
        return found[0] if found else None

    def _project(self) -> str | None:
        found = self._single("project")
        if found is None:
            return None
        name, place = found
        if not is_name(name):
            slug = suggest_slug(name)
            hint = f"write `{slug}`" if slug else None
            message = f"`{name}` is no project id: letters a to z, digits, `.`, `_` and `-`"
            self.faults.add("bad-name", message, place.position, hint=hint)
        return str(name)

    def _provider(self) -> Provider | None:
        found = self._single("provider")
        if found is None:
            return None
        written, place = found
        if isinstance(written, str):
            return Provider(name=written, position=place.position)
        if written.base_url is None and written.like is None:
            way = "`like: byteplus` for that provider's own address, or a `base_url`"
            self.faults.add("bad-value", "this doesn't say which provider is meant", place.position, hint=way)
        if written.base_url is not None and not _BASE_URL.match(written.base_url):
            message = f"`{written.base_url}` is no base address like `https://host/api/v3`"
            self.faults.add("bad-url", message, place.below("base_url").position)
        return Provider(
            base_url=written.base_url,
            api_key_env=written.api_key_env,
            like=written.like,
            prices=tuple(self._prices(written.prices, place.below("prices"))),
            endpoints=tuple(
                (model, endpoint, place.below("endpoints", model).position)
                for model, endpoint in (written.endpoints or {}).items()
            ),
            position=place.position,
        )

    def _prices(self, written: str | dict[str, str] | None, place: Place) -> Iterable[tuple[str, Money, Position]]:
        by_model = {"*": place} if isinstance(written, str) else {name: place.below(name) for name in written or ()}
        for name, where in by_model.items():
            money = self._money(written if isinstance(written, str) else (written or {})[name], where)
            if money is not None:
                yield name, money, where.position

    def _money(self, text: str, place: Place) -> Money | None:
        try:
            return Money.parse(text)
        except ValueError as error:
            self.faults.add("bad-money", str(error), place.position)
            return None

    def _budget(self) -> Budget:
        written = self._one_each(
            (name, setting) for file in self.parts for name, setting in _settings(file, ("budget",))
        )
        caps = {name: self._money(setting.value, setting.place) for name, setting in written.items()}
        position = next((setting.place.position for setting in written.values()), None)
        return Budget(**caps, position=position)

    def _templates(self) -> str | None:
        found = self._single("templates")
        if found is None:
            return None
        try:
            return resolve(found[1].file, found[0])
        except PathRefusedError as error:
            self.faults.add("bad-path", str(error), found[1].position, hint=error.hint)
            return None

    def _tables(self, variables: Mapping[str, Var]) -> Iterable[TableSource]:
        written = self._one_each(
            (name, Setting(value=value, place=Place(document=file.document, path=("data", name))))
            for file in self.parts
            for name, value in (file.model.data or {}).items()
        )
        for name, setting in written.items():
            check_identifier(self.faults, "table", name, setting.place.key_position)
            if name in variables:
                message = f"`{name}` is a var and a table; templates could not tell them apart"
                self.faults.add("defined-twice", message, setting.place.key_position, hint="rename one of them")
            yield self._table(name, setting)

    def _table(self, name: str, setting: Setting) -> TableSource:
        table, place = setting.value, setting.place
        if isinstance(table, str):
            origin, texts, key = place, [table], None
            fallback: dict[str, str] = {}
        else:
            origin, key, fallback = place.below("from"), table.key, table.fallback or {}
            texts = [table.from_] if isinstance(table.from_, str) else table.from_
        return TableSource(
            name=name,
            place=place,
            origin=origin.position,
            patterns=self._patterns(texts, origin),
            key=key,
            fallback=tuple(fallback.items()),
        )

    def _patterns(self, texts: list[str], place: Place) -> tuple[str, ...]:
        found = []
        for text in texts:
            try:
                found.append(resolve(place.file, text))
            except PathRefusedError as error:
                self.faults.add("bad-path", str(error), place.position, hint=error.hint)
        return tuple(found)

    def _moved(self) -> Iterable[Moved]:
        written = self._one_each(
            (old, Setting(value=new, place=Place(document=file.document, path=("moved", old))))
            for file in self.parts
            for old, new in (file.model.moved or {}).items()
        )
        for old, setting in written.items():
            yield Moved(
                old=old.strip().rstrip("/"), new=setting.value.strip().rstrip("/"), position=setting.place.key_position
            )

    def _profiles(self) -> list[tuple[str, Setting]]:
        return list(
            self._one_each(
                (name, Setting(value=file, place=Place(document=file.document, path=("profiles", name))))
                for file in self.parts
                for name in file.model.profiles or {}
            ).items()
        )

    def _chosen_profile(self, profile: str | None) -> tuple[ManifestPart, str] | None:
        found = dict(self._profiles())
        for name, setting in found.items():
            if not is_name(name):
                message = f"`{name}` is no profile name: letters a to z, digits, `.`, `_` and `-`"
                self.faults.add("bad-name", message, setting.place.key_position)
        if profile is None:
            return None
        if profile not in found:
            message = f"there is no profile `{profile}`"
            hint = did_you_mean(profile, found, otherwise="define it under `profiles`")
            self.faults.add("unknown-profile", message, None, hint=hint)
            return None
        return found[profile].value, profile

    def _variables(self, chosen: tuple[ManifestPart, str] | None, given: Mapping[str, str]) -> dict[str, Var]:
        found = self._one_each(
            (name, Var(value=value, place=Place(document=file.document, path=("vars", name))))
            for file in self.parts
            for name, value in (file.model.vars or {}).items()
        )
        if chosen is not None:
            file, name = chosen
            for key, value in ((file.model.profiles or {})[name].vars or {}).items():
                place = Place(document=file.document, path=("profiles", name, "vars", key))
                found[key] = Var(value=value, place=place)
        for name, var in found.items():
            if var.place is not None:
                check_identifier(self.faults, "var", name, var.place.key_position)
        for name, text in given.items():
            if name not in found:
                hint = did_you_mean(name, found, otherwise="define it under `vars` first")
                self.faults.add("unknown-var", f"`--var {name}=…`: there is no var `{name}`", None, hint=hint)
            else:
                found[name] = Var(value=self._given(name, found[name].value, text), place=None)
        return found

    def _given(self, name: str, declared: object, text: str) -> object:
        """A `--var` of the type that the manifest's own value has."""
        if declared is None or isinstance(declared, str):
            return text
        value = plain_value(text)
        kind = int | float if isinstance(declared, int | float) and not isinstance(declared, bool) else type(declared)
        if (
            isinstance(declared, list | dict)
            or not isinstance(value, kind)
            or isinstance(value, bool) != isinstance(declared, bool)
        ):
            message = f"`--var {name}={text}`: the manifest's own value is {describe(declared)}"
            self.faults.add("bad-var", message, None)
        return value

    def _definitions(self) -> Iterable[Definition]:
        definitions = self._one_each(
            (name, Definition(name=name, entry=entry, place=Place(document=file.document, path=("images", name))))
            for file in self.parts
            for name, entry in (file.model.images or {}).items()
        )
        for name, definition in definitions.items():
            if not is_name(name):
                slug = suggest_slug(name).replace(":", "-")
                message = f"`{name}` is no name: letters a to z, digits, `.`, `_` and `-`, no `.` at the end"
                hint = f"write `{slug}`" if is_name(slug) else None
                self.faults.add("bad-name", message, definition.place.key_position, hint=hint)
        return definitions.values()


def _place(item: Any) -> Place:
    place: Place = item.place
    return place


def _settings(file: ManifestPart, path: tuple[str, ...]) -> Iterable[tuple[str, Setting]]:
    """The fields that the mapping at `path` gives, with their places."""
    found: Any = file.model
    for part in path:
        found = found.get(part) if isinstance(found, dict) else getattr(found, part)
        if found is None:
            return
    place = Place(document=file.document, path=path)
    for name in sorted(found.model_fields_set):
        yield name, Setting(value=getattr(found, name), place=place.below(name))
