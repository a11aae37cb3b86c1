"""A real folder behind the `ProjectFiles` interface, for the tests of the pure rooms."""

from collections.abc import Sequence
from pathlib import Path

from seedpipe.names import natural_key
from seedpipe.source import ReadRefusedError


class FolderFiles:
    """Reads below `root` only; what leaves it after symlinks are resolved is refused."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def write(self, path: str, text: str | bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)

    def _inside(self, path: str) -> Path:
        target = (self.root / path).resolve()
        if not target.is_relative_to(self.root):
            raise ReadRefusedError(f"`{path}` is outside the project")
        return target

    def read(self, path: str) -> bytes:
        return self._inside(path).read_bytes()

    def exists(self, path: str) -> bool:
        return self._inside(path).is_file()

    def glob(self, pattern: str) -> Sequence[str]:
        self._inside(pattern.split("*")[0])
        found = [str(item.relative_to(self.root)) for item in self.root.glob(pattern) if item.is_file()]
        return sorted(found, key=natural_key)
