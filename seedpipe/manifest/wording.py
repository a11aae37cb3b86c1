"""What pydantic found wrong, said in our words at the place where it stands; and "did you mean"."""

import difflib
import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from seedpipe.errors import Fault
from seedpipe.manifest import model
from seedpipe.manifest.document import Document, Path
from seedpipe.manifest.values import describe

_MAX_COMPARED: Final = 1000  # comparing costs some microseconds each
_SYNONYMS: Final[Mapping[str, str]] = {
    "image": "references",
    "images": "references",
    "ref": "references",
    "refs": "references",
    "reference": "references",
    "input": "references",
    "ratio": "aspect",
    "aspect_ratio": "aspect",
    "resolution": "size",
    "n": "takes",
    "count": "takes",
    "path": "file",
    "src": "file",
    "if": "when",
    "only_if": "when",
    "out": "output",
    "text": "prompt",
    "source": "file",
    "variables": "vars",
    "tables": "data",
    "nodes": "images",
}
_MODELS: Final[tuple[tuple[tuple[str, ...], type[BaseModel]], ...]] = (
    ((), model.ManifestFile),
    (("images", "*"), model.Entry),
    (("images", "*", "override", "*"), model.Override),
    (("images", "*", "steps", "*"), model.Step),
    (("images", "*", "override", "*", "steps", "*"), model.Step),
    (("defaults",), model.Parameters),
    (("profiles", "*"), model.Profile),
    (("profiles", "*", "force"), model.Parameters),
    (("budget",), model.Budget),
    (("provider",), model.Provider),
    (("data", "*"), model.Table),
    (("include", "*"), model.IncludedFile),
)
_STEPS: Final[Mapping[str, type[BaseModel]]] = {
    "crop": model.Crop,
    "resize": model.Resize,
    "overlay": model.Overlay,
    "text": model.Lettering,
    "convert": model.Convert,
}
_SHAPES: Final[Mapping[str, str]] = {
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "mapping_type": "a mapping",
    "list_type": "a list",
}


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that `word` was probably meant to be."""
    room = max(4, len(word) // 2)  # a name that is much longer or shorter was not meant
    alike = (choice for choice in choices if abs(len(choice) - len(word)) <= room)
    by_lower = {choice.lower(): choice for choice in itertools.islice(alike, _MAX_COMPARED)}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, choices: Iterable[str], *, otherwise: str | None = None) -> str | None:
    """A hint: the nearest choice; else `otherwise`, which may be empty; without it all choices, if they are few."""
    choices = list(choices)
    close = nearest(word, choices)
    if close is not None:
        return f"did you mean `{close}`?"
    if otherwise is None and 0 < len(choices) <= 12:
        return "known: " + ", ".join(f"`{choice}`" for choice in choices)
    return otherwise or None


def model_faults(document: Document, error: ValidationError) -> list[Fault]:
    """A fault for each thing that pydantic refused in `document`."""
    return [_fault(document, item) for item in error.errors(include_url=False)]


def without_refused(value: Any, error: ValidationError) -> Any:
    """`value` without what pydantic refused, so that the rest can be checked as well."""
    paths = {_refused_path(value, item) for item in error.errors(include_url=False)}
    return _without(value, (), paths)


def _refused_path(value: Any, item: Any) -> Path:
    """What must go: the value itself, what lacks a key, or the whole of a list (its other items keep their places)."""
    path, _ = _follow(value, item["loc"])
    for length, part in enumerate(path):
        if isinstance(part, int):
            return path[:length]
    return path


def _without(value: Any, path: Path, refused: set[Path]) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without(item, (*path, key), refused) for key, item in value.items() if (*path, key) not in refused}


def _fault(document: Document, item: Any) -> Fault:
    kind: str = item["type"]
    path, value = _follow(document.value, item["loc"])
    context = item.get("ctx") or {}
    if kind == "extra_forbidden":
        return _unknown_key(document, path)
    if kind == "missing":
        message = f"`{item['loc'][-1]}` is missing"
        return Fault(code="missing-key", message=message, position=document.position(path, key=True), hint=None)
    name = _name_of(path)
    prefix = f"{name}: " if name else ""
    if "sentence" in context:
        hint = context["hint"] or (document.null_hint(path) if kind == "null" else None)
        return Fault(code=kind, message=prefix + context["sentence"], position=document.position(path), hint=hint)
    expected = _SHAPES.get(kind, "something else")
    code = "null" if value is None else "type"
    hint = document.null_hint(path) if value is None else None
    if kind == "list_type" and isinstance(value, str):
        hint = f"write it as a list: `[{value}]`"
    message = f"{prefix}expected {expected}, found {describe(value)}"
    return Fault(code=code, message=message, position=document.position(path), hint=hint)


def _follow(value: Any, location: Iterable[Any]) -> tuple[Path, Any]:
    """The true path of an error: pydantic's locations also name the branches of unions, which the data do not have."""
    path: list[str | int] = []
    for part in location:
        if (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        ):
            value = value[part]
        else:
            continue
        path.append(part)
    return tuple(path), value


def _name_of(path: Path) -> str:
    names = [str(part) for part in path if isinstance(part, str)]
    return f"`{names[-1]}`" if names else ""


def _unknown_key(document: Document, path: Path) -> Fault:
    key = str(path[-1])
    choices = _keys_at(path[:-1])
    synonym = _SYNONYMS.get(key)
    if synonym in choices:
        hint: str | None = f"did you mean `{synonym}`?"
    else:
        hint = did_you_mean(key, choices)
    return Fault(
        code="unknown-key",
        message=f"there is no key `{key}` here",
        position=document.position(path, key=True),
        hint=hint,
    )


def _keys_at(path: Path) -> list[str]:
    if path and path[-1] in _STEPS and "steps" in path:
        return _names(_STEPS[str(path[-1])])
    if "references" in path:
        return _names(model.Each)
    for pattern, kind in _MODELS:
        if len(pattern) == len(path) and all(p in ("*", part) for p, part in zip(pattern, path, strict=True)):
            return _names(kind)
    return []


def _names(kind: type[BaseModel]) -> list[str]:
    return [
        field.alias or name
        for name, field in kind.model_fields.items()
        if not (field.description or "").startswith("Not yet")
    ]
