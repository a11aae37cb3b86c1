"""Which acts were decided in this very working copy: what `undo` without an id begins with. Losing it loses no decision."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seedpipe.names import Realm
from seedpipe.state.files import write_atomically


@dataclass(frozen=True, slots=True)
class OwnActs:
    """Ids in order, the newest last, in the `folder` that git ignores; of each realm and profile for itself."""

    folder: Path
    profile: str | None
    realm: Realm

    @property
    def _path(self) -> Path:
        profile = f".{self.profile}" if self.profile else ""
        return self.folder / f"decided{profile}.{self.realm.value}"

    def read(self) -> Sequence[str]:
        try:
            return self._path.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError):
            return []

    def remember(self, act: str) -> None:
        with contextlib.suppress(OSError):
            write_atomically(self._path, "".join(f"{one}\n" for one in [*self.read(), act]).encode())
