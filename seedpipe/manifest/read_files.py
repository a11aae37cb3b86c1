"""The manifest's files: read, checked against the model, includes followed. What is wrong is gathered."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from seedpipe.errors import Fault, FaultCollector, Severity, why
from seedpipe.manifest import model
from seedpipe.manifest.definition import Place
from seedpipe.manifest.document import Document, compose_document, shown_text
from seedpipe.manifest.paths import PathRefusedError, is_glob, resolve, similar_files
from seedpipe.manifest.values import describe
from seedpipe.manifest.wording import model_faults, without_refused
from seedpipe.source import Position, ProjectFiles, ReadRefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestPart:
    """One file: its document, and what of it is well-formed."""

    document: Document
    model: model.ManifestFile


class FilesReader:
    """`parts` in the order in which the files are named, the main one first; `paths` names all that were asked for."""

    def __init__(self, files: ProjectFiles, faults: FaultCollector) -> None:
        self.files = files
        self.faults = faults
        self.parts: list[ManifestPart] = []
        self.paths: list[str] = []
        self.frozen: list[str] = []
        self.texts: dict[str, str] = {}

    def read(self, path: str, asked: Position | None = None, above: tuple[str, ...] = ()) -> None:
        """Read the file at `path` and what it includes; `above` are the files that led here."""
        if path in above:
            chain = " → ".join(f"`{item}`" for item in (*above[above.index(path) :], path))
            self.faults.add("include-loop", f"the files include each other: {chain}", asked)
            return
        if path in self.paths:
            return
        self.paths.append(path)
        data = self._bytes(path, asked)
        if data is None:
            return
        self.texts[path] = shown_text(data)
        document, faults = compose_document(path, data)
        self.faults.faults.extend(faults)
        if document is not None:
            part = self._part(document, faults)
            if part is not None:
                self.parts.append(part)
                self._follow(part, (*above, path))

    def _bytes(self, path: str, asked: Position | None) -> bytes | None:
        try:
            return self.files.read(path)
        except ReadRefusedError as error:
            self.faults.add("read-refused", str(error), asked)
        except FileNotFoundError:
            hint = similar_files(self.files, path) or (None if asked else "`seedpipe init` makes a project")
            self.faults.add("file-not-found", f"there is no file `{path}`", asked, hint=hint)
        except OSError as error:
            self.faults.add("read-failed", f"`{path}` cannot be read: {why(error)}", asked)
        return None

    def _part(self, document: Document, told: list[Fault]) -> ManifestPart | None:
        if not isinstance(document.value, dict):
            message = f"a manifest is a mapping of keys, found {describe(document.value)}"
            self.faults.add("type", message, document.position(()))
            return None
        value = self._without_reserved(document)
        lines = {fault.position.line for fault in told if fault.position is not None}
        while True:
            try:
                return ManifestPart(document=document, model=model.ManifestFile.model_validate(value))
            except ValidationError as error:
                for fault in model_faults(document, error):
                    follows = fault.code in ("null", "type") and fault.position and fault.position.line in lines
                    if not follows:  # else it is only what the YAML fault in the same line led to
                        self.faults.faults.append(fault)
                sound = without_refused(value, error)
                if sound == value:
                    return None
                value = sound

    def _without_reserved(self, document: Document) -> dict[str, Any]:
        value: dict[str, Any] = dict(document.value)
        for key in sorted(model.RESERVED & value.keys()):
            self._not_yet(key, document.position((key,), key=True))
            del value[key]
        images = value.get("images")
        if not isinstance(images, dict):
            return value
        images = dict(images)
        for name, entry in images.items():
            if isinstance(entry, dict) and not model.RESERVED_IN_ENTRY.isdisjoint(entry):
                for key in sorted(model.RESERVED_IN_ENTRY & entry.keys()):
                    self._not_yet(key, document.position(("images", name, key), key=True))
                images[name] = {key: item for key, item in entry.items() if key not in model.RESERVED_IN_ENTRY}
        return value | {"images": images}

    def _not_yet(self, key: str, position: Position) -> None:
        message = f"not yet: `{key}` is reserved but does not work in this version"
        self.faults.add("not-yet", message, position)

    def _follow(self, part: ManifestPart, above: tuple[str, ...]) -> None:
        include = part.model.include
        items = [include] if isinstance(include, str) else include or []
        for index, item in enumerate(items):
            place = Place(document=part.document, path=("include",) if isinstance(include, str) else ("include", index))
            written, frozen = item, False
            if isinstance(item, model.IncludedFile):
                written, frozen, place = item.file, item.frozen is True, place.below("file")
            for path in self._included(str(written), place):
                if is_glob(str(written)) and path in above:
                    continue  # a glob beside the manifest matches the manifest itself
                if frozen:
                    self.frozen.append(path)
                self.read(path, place.position, above)

    def _included(self, written: str, place: Place) -> Iterator[str]:
        try:
            path = resolve(place.file, written)
            found = self.files.glob(path) if is_glob(path) else [path]
        except PathRefusedError as error:
            self.faults.add("bad-path", str(error), place.position, hint=error.hint)
            return
        except (ReadRefusedError, OSError) as error:
            self.faults.add("read-refused", str(error), place.position)
            return
        if not found:
            message = f"no file matches `{written}`"
            self.faults.add("no-match", message, place.position, severity=Severity.WARNING)
        yield from found
