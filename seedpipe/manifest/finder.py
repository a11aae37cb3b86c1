"""Files that nodes name: whether they are there, and the texts of prompt files."""

from typing import Final

from seedpipe.errors import Fault, why
from seedpipe.manifest.definition import Place
from seedpipe.manifest.document import decode
from seedpipe.manifest.findings import Findings
from seedpipe.manifest.paths import PathRefusedError, resolve, similar_files
from seedpipe.source import ProjectFiles, ReadRefusedError

_MAX_SUGGESTED: Final = 20  # missing files for which similar ones are looked up


class FileFinder:
    """Looks each path up once. `texts` holds the prompt files that were read."""

    def __init__(self, files: ProjectFiles, findings: Findings) -> None:
        self.files = files
        self.findings = findings
        self.texts: dict[str, str] = {}
        self._present: set[str] = set()
        self._missing: set[str] = set()
        self._unreadable: set[str] = set()

    def find(self, text: str, place: Place, address: str) -> str | None:
        """The path, relative to the project's folder, of a file that is there; None after a fault."""
        code, message, hint = "read-refused", "", None
        try:
            path = resolve(place.file, text)
            if path in self._present or (path not in self._missing and self.files.exists(path)):
                self._present.add(path)
                return path
            code, message = "file-not-found", f"there is no file `{path}`"
            if path not in self._missing and len(self._missing) < _MAX_SUGGESTED:
                hint = similar_files(self.files, path)
            self._missing.add(path)
        except PathRefusedError as error:
            code, message, hint = "bad-path", str(error), error.hint
        except ReadRefusedError as error:
            message = str(error)
        except OSError as error:
            code, message = "read-failed", f"`{text}` cannot be read: {why(error)}"
        self.findings.item(address, code, message, place.position, hint)
        return None

    def text(self, path: str, place: Place, address: str) -> str | None:
        """The text of a prompt file; None after a fault, which is told once."""
        if path in self.texts or path in self._unreadable:
            return self.texts.get(path)
        try:
            text = decode(path, self.files.read(path))
        except (ReadRefusedError, OSError) as error:
            self.findings.item(address, "read-refused", str(error), place.position)
        else:
            if not isinstance(text, Fault):
                self.texts[path] = text
                return text
            self.findings.item(address, text.code, text.message, text.position or place.position, text.hint)
        self._unreadable.add(path)
        return None
