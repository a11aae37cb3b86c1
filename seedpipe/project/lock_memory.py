"""What a lock alone remembers, as if all its pictures were at hand: for plans about text, in a clone that has no bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from seedpipe.names import Digest
from seedpipe.plan.memory import OutputState, Refused, Said, Uncertain, Waiting, Whereabouts
from seedpipe.state.lock import DerivedEntry, ImageEntry, Lock, SourceEntry
from seedpipe.state.requests import Short


@dataclass(frozen=True, kw_only=True)
class LockMemory:
    """Implements `plan.memory.Memory`: no store, no journal, no output files.

    The functions are asked once for each node: whoever makes them remembers what they said.
    """

    lock: Lock
    digest: Callable[[str], Digest]  # of a source's file
    pixels_of: Callable[[str], Digest]
    font: Callable[[str | None], Digest]

    def source_digest(self, path: str) -> Digest:
        return self.digest(path)

    def source_pixels(self, path: str) -> Digest:
        return self.pixels_of(path)

    def font_digest(self, path: str | None) -> Digest:
        return self.font(path)

    def fetched(self, url: str) -> Digest | None:
        return self._urls.get(url)

    def takes(self, want: Digest) -> tuple[Digest, ...]:
        return self._takes.get(want, ())

    def recipe(self, recipe: Digest) -> Digest | None:
        return self._recipes.get(recipe)

    def whereabouts(self, digest: Digest, output: str | None) -> Whereabouts:  # noqa: ARG002
        return Whereabouts.STORE

    def is_pointer(self, output: str | None) -> bool:  # noqa: ARG002
        return False

    def uncertain(self, want: Digest) -> Uncertain | None:  # noqa: ARG002
        return None

    def waiting(self, want: Digest) -> Waiting | None:  # noqa: ARG002
        return None

    def said(self, want: Digest) -> Said | None:  # noqa: ARG002
        return None

    def came_short(self, want: Digest) -> Short | None:  # noqa: ARG002
        return None

    def refused(self, request_key: Digest) -> Refused | None:  # noqa: ARG002
        return None

    def words(self, want: Digest) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def recipe_asked(self, recipe: Digest) -> Mapping[str, Any] | None:  # noqa: ARG002
        return None

    def frames_came(self, model: str) -> tuple[int, int]:  # noqa: ARG002
        return 0, 0

    def pixels(self, picture: Digest, want: Digest) -> tuple[int, int] | None:  # noqa: ARG002
        return None

    def output(
        self,
        path: str,  # noqa: ARG002
        wanted: Digest | None,
        known: tuple[Digest, ...],  # noqa: ARG002
        made_of: str | None = None,  # noqa: ARG002
    ) -> OutputState:
        return OutputState.ABSENT if wanted is None else OutputState.RIGHT

    @cached_property
    def _urls(self) -> Mapping[str, Digest]:
        sources = (entry for entry in self.lock.entries.values() if isinstance(entry, SourceEntry))
        return {entry.url: entry.digest for entry in sources if entry.url is not None}

    @cached_property
    def _recipes(self) -> Mapping[Digest, Digest]:
        derived = (entry for entry in self.lock.entries.values() if isinstance(entry, DerivedEntry))
        return {entry.recipe: entry.take for entry in derived}

    @cached_property
    def _takes(self) -> Mapping[Digest, tuple[Digest, ...]]:
        found: dict[Digest, dict[Digest, None]] = {}
        for entry in self.lock.entries.values():
            if isinstance(entry, ImageEntry):
                pools = [(entry.want, (entry.take, *entry.takes)), *entry.also.items()]
                for want, takes in pools:
                    found.setdefault(want, {}).update(dict.fromkeys(takes))
        return {want: tuple(takes) for want, takes in found.items()}
