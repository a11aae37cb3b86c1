"""What a project remembers, held in plain dictionaries: the planner's `Memory` and the manifest's files without a disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from seedpipe.names import Digest, natural_key
from seedpipe.plan.memory import OutputState, Refused, Said, Uncertain, Waiting, Whereabouts
from seedpipe.state.requests import Short


@dataclass(slots=True)
class KeptFiles:
    """A project's folder: path → text."""

    texts: dict[str, str] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        if path not in self.texts:
            raise FileNotFoundError(path)
        return self.texts[path].encode()

    def exists(self, path: str) -> bool:
        return path in self.texts

    def glob(self, pattern: str) -> Sequence[str]:
        return sorted((path for path in self.texts if fnmatchcase(path, pattern)), key=natural_key)


@dataclass(slots=True)
class Remembered:
    """Implements `plan.memory.Memory` with the words of that page: a look-up is a look-up.

    A source file's text is `pixels`, or `pixels|metadata`: what stands behind the bar changes the bytes alone.
    """

    files: KeptFiles
    store: set[Digest] = field(default_factory=set)
    pool: dict[Digest, list[Digest]] = field(default_factory=dict)
    recipes: dict[Digest, Digest] = field(default_factory=dict)
    recipes_asked: dict[Digest, Mapping[str, Any]] = field(default_factory=dict)
    downloads: dict[str, Digest] = field(default_factory=dict)
    open_requests: dict[Digest, Uncertain] = field(default_factory=dict)
    paid_for: dict[Digest, Waiting] = field(default_factory=dict)
    people_said: dict[Digest, Said] = field(default_factory=dict)
    short: dict[Digest, Short] = field(default_factory=dict)
    refusals: dict[Digest, Refused] = field(default_factory=dict)
    texts: dict[Digest, Mapping[str, str]] = field(default_factory=dict)
    batches: dict[str, tuple[int, int]] = field(default_factory=dict)  # model → pictures that came, of how many
    outputs: dict[str, Digest] = field(default_factory=dict)
    placed: dict[str, Digest] = field(default_factory=dict)  # what seedpipe itself put at a path
    made_of: dict[str, str] = field(default_factory=dict)  # and what that was made of
    sizes: dict[Digest, tuple[int, int]] = field(default_factory=dict)

    def source_digest(self, path: str) -> Digest:
        return Digest.of(self.files.read(path))

    def source_pixels(self, path: str) -> Digest:
        return Digest.of(self.files.read(path).partition(b"|")[0])

    def font_digest(self, path: str | None) -> Digest:
        return Digest.of(b"the shipped font") if path is None else Digest.of(self.files.read(path))

    def fetched(self, url: str) -> Digest | None:
        return self.downloads.get(url)

    def takes(self, want: Digest) -> tuple[Digest, ...]:
        return tuple(take for take in self.pool.get(want, ()) if take in self.store)

    def recipe(self, recipe: Digest) -> Digest | None:
        made = self.recipes.get(recipe)
        return made if made in self.store else None

    def whereabouts(self, digest: Digest, output: str | None) -> Whereabouts:
        if digest in self.store:
            return Whereabouts.STORE
        if output is not None and self.outputs.get(output) == digest:
            return Whereabouts.OUTPUT
        return Whereabouts.NOWHERE

    def is_pointer(self, output: str | None) -> bool:
        return False

    def uncertain(self, want: Digest) -> Uncertain | None:
        return self.open_requests.get(want)

    def waiting(self, want: Digest) -> Waiting | None:
        return self.paid_for.get(want)

    def said(self, want: Digest) -> Said | None:
        return self.people_said.get(want)

    def came_short(self, want: Digest) -> Short | None:
        return self.short.get(want)

    def refused(self, request_key: Digest) -> Refused | None:
        return self.refusals.get(request_key)

    def words(self, want: Digest) -> Mapping[str, str]:
        return self.texts.get(want, {})

    def recipe_asked(self, recipe: Digest) -> Mapping[str, Any] | None:
        return self.recipes_asked.get(recipe)

    def frames_came(self, model: str) -> tuple[int, int]:
        return self.batches.get(model, (0, 0))

    def pixels(self, picture: Digest, want: Digest) -> tuple[int, int] | None:
        return self.sizes.get(picture)

    def output(
        self, path: str, wanted: Digest | None, known: tuple[Digest, ...], made_of: str | None = None
    ) -> OutputState:
        present = self.outputs.get(path)
        if present is None:
            return OutputState.ABSENT
        ours = present == self.placed.get(path)
        if present == wanted or (ours and made_of is not None and self.made_of.get(path) == made_of):
            return OutputState.RIGHT
        ours = ours or present in known or present in self.store
        return OutputState.OURS if ours else OutputState.FOREIGN

    # What the tests do to it

    def put(self, path: str, picture: Digest) -> None:
        """As a build does: the file, and the note that it is ours."""
        self.outputs[path] = self.placed[path] = picture

    def forget_bytes(self, *pictures: Digest) -> None:
        """As a clean machine: the records are there, the bytes are not."""
        self.store.difference_update(pictures)
