"""Recipes: an entry with the overrides that match, `defaults` below and a profile's `force` above, put together.

Items of a matrix with the same overrides share a recipe, so that what has no template is converted once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from seedpipe.errors import FaultCollector
from seedpipe.manifest.definition import Definition, Manifest, Place, Setting
from seedpipe.manifest.fields import SCALARS, Converter, to_tag
from seedpipe.manifest.findings import BadValueError
from seedpipe.manifest.look_rules import look_faults
from seedpipe.manifest.matrix import Axis, Combination, Matrix, MatrixReader
from seedpipe.manifest.model import PARAMETERS
from seedpipe.manifest.values import is_template
from seedpipe.source import Position

DEFAULTS, ENTRY, FORCE = 0, 1, 1_000_000  # strength of a layer; overrides lie between, in order


class Kind(StrEnum):
    SOURCE = "source"
    IMAGE = "image"
    SEQUENCE = "sequence"
    LAYERS = "decomposition into layers"
    DERIVED = "derived picture"


_KIND_OF: Final[Mapping[str, Kind]] = {
    "file": Kind.SOURCE,
    "url": Kind.SOURCE,
    "prompt": Kind.IMAGE,
    "prompt_file": Kind.IMAGE,
    "sequence": Kind.SEQUENCE,
    "layers": Kind.LAYERS,
    "from_": Kind.DERIVED,
    "steps": Kind.DERIVED,
}
_PAID: Final = frozenset(
    (*PARAMETERS, "prompt", "prompt_file", "prompt_append", "references", "variant", "gate", "output", "tags", "looks")
)
_OF_LAYERS: Final = frozenset(
    ("layers", "prompt", "prompt_file", "prompt_append", "model", "size", "watermark", "optimize_prompt")
) | {"response_format", "variant", "gate", "output", "tags"}
_FIELDS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.SOURCE: frozenset(("file", "url", "tags")),
    Kind.IMAGE: _PAID,
    Kind.SEQUENCE: (_PAID | {"sequence", "compose"}) - {"takes", "looks"},
    Kind.LAYERS: _OF_LAYERS,
    Kind.DERIVED: frozenset(("from_", "steps", "output", "tags")),
}
_PAID_KINDS: Final = (Kind.IMAGE, Kind.SEQUENCE, Kind.LAYERS)
_INSTEAD: Final[Mapping[Kind, Mapping[str, str]]] = {
    Kind.DERIVED: {
        "output_format": "write a step: `convert: png`",
        "size": "write a step: `resize: 1200x630`",
        "aspect": "write a step: `crop: 16:9`",
        "references": "the one input of a derived picture is `from`; `overlay` steps add more",
    },
    Kind.SEQUENCE: {
        "takes": "each frame is one picture; a frame can be made again alone",
        "looks": "make a matrix of it, with an item for each, and refer to the one that is to be used",
    },
    Kind.LAYERS: {
        "output_format": "layers are png",
        "aspect": "they keep that of the picture; `size` is a tier or `auto`",
        "references": "the one picture is the one that `layers` names",
        "takes": "each layer is one picture; `variant` has it taken apart once more",
        "looks": "give them to the picture that is taken apart",
    },
}
_EXCLUSIVE: Final = (("prompt", "prompt_file"), ("file", "url"))
_OTHER: Final = {"prompt": ("prompt_file",), "prompt_file": ("prompt",), "file": ("url",), "url": ("file",)}
_STRUCTURE: Final = frozenset(("matrix", "exclude", "include", "override", "when", "match"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A field whose value has a template."""

    name: str
    text: str
    convert: Converter
    place: Place


@dataclass(slots=True, kw_only=True)
class Recipe:
    """What all items of a definition with the same overrides have in common."""

    definition: Definition
    kind: Kind
    settings: Mapping[str, Setting]
    appends: tuple[Setting, ...]
    strength: Mapping[str, int]
    fixed: Mapping[str, Any]  # converted values of the fields without templates
    scalars: tuple[Scalar, ...]
    tags: tuple[str, ...] | None  # None: a tag has a template
    positions: dict[str, Position]
    position: Position  # of the entry
    made: dict[str, Any] = field(default_factory=dict)  # what is made of a field once for all items


@dataclass(frozen=True, slots=True, kw_only=True)
class _MatchedOverride:
    combination: Combination
    settings: Mapping[str, Setting]
    append: Setting | None


class RecipeBook:
    """The recipes of one definition."""

    def __init__(
        self, manifest: Manifest, definition: Definition, matrix: Matrix, reader: MatrixReader, faults: FaultCollector
    ) -> None:
        self.manifest = manifest
        self.definition = definition
        self.faults = faults
        self.entry = _settings(definition.entry, definition.place)
        axes = {axis.name: axis for axis in matrix.axes}
        self.overrides = tuple(self._overrides(matrix, axes, reader))
        self.axes = frozenset(axes)
        self.kind = self._kind()
        self._recipes: dict[tuple[int, ...], Recipe] = {}

    def _overrides(self, matrix: Matrix, axes: Mapping[str, Axis], reader: MatrixReader) -> Iterable[_MatchedOverride]:
        if not axes:
            return
        for index, override in enumerate(self.definition.entry.override or ()):
            place = self.definition.place.below("override", index)
            settings = _settings(override, place)
            append = settings.pop("prompt_append", None)
            if not settings and append is None:
                self.faults.add("empty-override", "this override changes nothing", place.position)
            match = reader.match(override.match, place.below("match"), axes, None, known=matrix.extra)
            yield _MatchedOverride(combination=match, settings=settings, append=append)

    def _kind(self) -> Kind | None:
        """The kind that the fields say; None after a fault."""
        given: dict[Kind, Setting] = {}
        for settings in (self.entry, *(override.settings for override in self.overrides)):
            for name, setting in settings.items():
                if name in _KIND_OF:
                    given.setdefault(_KIND_OF[name], setting)
        name, place = self.definition.name, self.definition.place
        if not given:
            message = f"`{name}` says neither what to draw nor what it is"
            hint = "give it a `prompt` (or `prompt_file`), a `file` or `url`, `layers`, or `from` with `steps`"
            self.faults.add("no-kind", message, place.key_position, hint=hint, address=name)
            return None
        if Kind.SEQUENCE in given or Kind.LAYERS in given:
            given.pop(Kind.IMAGE, None)  # the words that all its frames share
        if len(given) > 1:
            words = " and ".join(f"`{_written_name(setting)}` ({kind})" for kind, setting in given.items())
            message = f"`{name}` is of several kinds at once: {words}"
            self.faults.add("mixed-kinds", message, place.key_position, hint="make two entries of it", address=name)
            return None
        kind = next(iter(given))
        self._check_fields(kind)
        return kind

    def _check_fields(self, kind: Kind) -> None:
        name = self.definition.name
        for settings in (self.entry, *(override.settings for override in self.overrides)):
            for key, setting in settings.items():
                if key not in _FIELDS[kind]:
                    message = f"`{_written_name(setting)}` means nothing on a {kind}"
                    hint = _INSTEAD.get(kind, {}).get(key)
                    self.faults.add("wrong-field", message, setting.place.key_position, hint=hint, address=name)
                elif key == "looks":
                    faults = look_faults(setting, address=name, known=self.manifest.vars, axes=self.axes)
                    self.faults.faults.extend(faults)
            for first, second in _EXCLUSIVE:
                if first in settings and second in settings:
                    message = f"`{first}` and `{second}` exclude each other"
                    where = settings[second].place.key_position
                    self.faults.add("wrong-field", message, where, hint="remove one of them", address=name)
        for override in self.overrides:
            if override.append is not None and kind not in _PAID_KINDS:
                where = override.append.place.key_position
                self.faults.add("wrong-field", f"`prompt_append` means nothing on a {kind}", where, address=name)

    def recipe(self, axes: tuple[tuple[str, str], ...]) -> Recipe | None:
        """The recipe of the item with these axes; None if the kind is not known."""
        if self.kind is None:
            return None
        matching = tuple(
            number
            for number, override in enumerate(self.overrides)
            if all(segment in override.combination[axis] for axis, segment in axes if axis in override.combination)
            and override.combination
        )
        recipe = self._recipes.get(matching)
        if recipe is None:
            recipe = self._recipes[matching] = self._make(self.kind, [self.overrides[number] for number in matching])
        return recipe

    def _make(self, kind: Kind, overrides: list[_MatchedOverride]) -> Recipe:
        settings: dict[str, Setting] = {}
        strength: dict[str, int] = {}
        appends: list[Setting] = []
        is_paid = kind in _PAID_KINDS
        layers = [
            (DEFAULTS, self.manifest.defaults if is_paid else {}),
            (ENTRY, self.entry),
            *((ENTRY + 1 + number, override.settings) for number, override in enumerate(overrides)),
            (FORCE, self.manifest.force if is_paid else {}),
        ]
        for level, layer in layers:
            for name, setting in layer.items():
                if name not in _FIELDS[kind]:
                    continue  # a project's default for other kinds
                for other in _OTHER.get(name, ()):
                    settings.pop(other, None)
                if name in ("prompt", "prompt_file"):
                    appends.clear()
                settings[name] = setting
                strength[name] = level
            if 0 < level - ENTRY <= len(overrides):
                append = overrides[level - ENTRY - 1].append
                appends += [] if append is None else [append]
        return self._recipe(kind, settings, strength, tuple(appends))

    def _recipe(
        self, kind: Kind, settings: dict[str, Setting], strength: dict[str, int], appends: tuple[Setting, ...]
    ) -> Recipe:
        fixed: dict[str, Any] = {}
        scalars: list[Scalar] = []
        for name, setting in settings.items():
            convert = SCALARS.get(name)
            if convert is None or (kind in (Kind.SEQUENCE, Kind.LAYERS) and name == "output"):
                continue  # each frame has an output of its own
            if isinstance(setting.value, str) and is_template(setting.value):
                scalars.append(Scalar(name=name, text=setting.value, convert=convert, place=setting.place))
                continue
            fixed[name] = self._convert(convert, setting.value, setting.place)
        tags = self._tags(settings)
        positions = {name: setting.place.position for name, setting in settings.items() if name != "from_"}
        return Recipe(
            definition=self.definition,
            kind=kind,
            settings=settings,
            appends=appends,
            strength=strength,
            fixed=fixed,
            scalars=tuple(scalars),
            tags=tags,
            positions=positions,
            position=self.definition.place.key_position,
        )

    def _convert(self, convert: Converter, value: Any, place: Place) -> Any:
        try:
            return convert(value)
        except BadValueError as error:
            name = f"`{place.path[-1]}`: " if isinstance(place.path[-1], str) else ""
            address = self.definition.name
            self.faults.add(error.code, name + error.message, place.position, hint=error.hint, address=address)
            return None

    def _tags(self, settings: Mapping[str, Setting]) -> tuple[str, ...] | None:
        setting = settings.get("tags")
        if setting is None:
            return ()
        if any(is_template(tag) for tag in setting.value):
            return None
        found = [self._convert(to_tag, tag, setting.place.below(index)) for index, tag in enumerate(setting.value)]
        return tuple(dict.fromkeys(tag for tag in found if tag is not None))


def _settings(written: Any, place: Place) -> dict[str, Setting]:
    """The fields that were written, without those that make the matrix."""
    return {
        name: Setting(value=getattr(written, name), place=place.below("from" if name == "from_" else name))
        for name in sorted(written.model_fields_set)
        if name not in _STRUCTURE
    }


def _written_name(setting: Setting) -> str:
    return str(setting.place.path[-1])
