"""Why a picture is made, or made again: what was asked for it that was not before."""

from dataclasses import dataclass
from typing import ClassVar

from seedpipe.plan.reason import Reason
from seedpipe.plan.worddiff import words_changed


@dataclass(frozen=True, slots=True, kw_only=True)
class New(Reason):
    code: ClassVar = "new"

    def _told(self) -> str:
        return "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptChanged(Reason):
    """`old` is None where this machine never saw the earlier words (a fresh clone).

    `at` is where the changed words stand now, as `file:line`: cells of data before the template lines that take them.
    """

    code: ClassVar = "prompt-changed"
    old: str | None
    new: str
    at: tuple[str, ...] = ()

    def _told(self) -> str:
        if self.old is None:
            return "the prompt changed"
        return "prompt: " + words_changed(self.old, self.new)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChanged(Reason):
    code: ClassVar = "field-changed"
    field: str
    old: str
    new: str

    def _told(self) -> str:
        return f"{self.field.replace('_', ' ')}: {self.old} → {self.new}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceChanged(Reason):
    code: ClassVar = "reference-changed"
    address: str

    def _told(self) -> str:
        return f"{self.address} is another picture now"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencesChanged(Reason):
    """How many there were and are; `added` and `removed` name them as far as the lock knows which picture was whose."""

    code: ClassVar = "references-changed"
    before: int
    after: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def _told(self) -> str:
        named = [*(f"+ {name}" for name in self.added), *(f"− {name}" for name in self.removed)]
        if named:
            return f"references: {', '.join(named)}"
        if self.before == self.after:
            return "the references stand in another order"
        return f"references: {self.before} → {self.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamMade(Reason):
    """`first`: the upstream never had a picture."""

    code: ClassVar = "upstream-made"
    address: str
    first: bool = False

    def _told(self) -> str:
        return f"{self.address} is new" if self.first else f"{self.address} changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNotFetched(Reason):
    code: ClassVar = "source-not-fetched"
    address: str

    def _told(self) -> str:
        return f"{self.address} is fetched first"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMissing(Reason):
    """Its batch brought `came` of `asked` pictures; `refusal` and `message` are the service's words, if it said any."""

    code: ClassVar = "frame-missing"
    came: int
    asked: int
    refusal: str | None = None
    message: str | None = None

    def _told(self) -> str:
        short = f"{self.came} of {self.asked} frames came"
        return f"{short}; {self.refusal}: {self.message}" if self.refusal else short


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMade(Reason):
    """Of a counted sequence any number is complete."""

    code: ClassVar = "not-made"
    came: int

    def _told(self) -> str:
        return f"the service made {self.came}, which is complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeAfterAll(Reason):
    """A picture of a counted sequence that did not come, and that a person named itself."""

    code: ClassVar = "made-after-all"
    came: int

    def _told(self) -> str:
        return f"named itself, although the {self.came} that came are complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedWordsChanged(Reason):
    """What all frames of a sequence have. Both texts are None where this machine never saw the earlier ones.

    `at` as in `PromptChanged`.
    """

    code: ClassVar = "shared-words-changed"
    old: str | None = None
    new: str | None = None
    at: tuple[str, ...] = ()

    def _told(self) -> str:
        if self.old is None or self.new is None:
            return "the words that all its frames share changed"
        return "shared words: " + words_changed(self.old, self.new)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreTakes(Reason):
    code: ClassVar = "more-takes"
    have: int
    want: int

    def _told(self) -> str:
        return f"has {self.have} of {self.want} takes"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookMissing(Reason):
    """Candidates of the picture, made with other vars, of which there is nothing, or too little, to look at yet."""

    code: ClassVar = "look-missing"
    looks: tuple[str, ...]
    have: int
    want: int

    def _told(self) -> str:
        names, one = ", ".join(self.looks), len(self.looks) == 1
        if self.have == 0:
            return f"look{'' if one else 's'} {names} {'is' if one else 'are'} new"
        return f"look{'' if one else 's'} {names} {'has' if one else 'have'} {self.have} of {self.want} takes"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookGone(Reason):
    """The choice was made for a look that the manifest has no more: neither its name nor what was asked for it."""

    code: ClassVar = "look-gone"
    name: str

    def _told(self) -> str:
        return f"its look {self.name} is gone from the manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookNamed(Reason):
    """The chosen look has another name now, which the lock has to know before its words change. `before`: it had none."""

    code: ClassVar = "look-named"
    name: str
    before: str | None = None

    def _told(self) -> str:
        return f"its look {self.before} is called {self.name} now" if self.before else f"it is the look {self.name} now"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledAgain(Reason):
    """A person wants `more` takes to choose from. `keeps`: the level of a choice that only a person replaces."""

    code: ClassVar = "rolled-again"
    more: int
    keeps: str | None = None

    def _told(self) -> str:
        takes = f"{self.more} more take{'s' if self.more != 1 else ''}"
        return f"{takes}, beside the {self.keeps} one" if self.keeps else takes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacesApproved(Reason):
    code: ClassVar = "replaces-approved"

    def _told(self) -> str:
        return "replaces an approved picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFitted(Reason):
    """The picture stays, its file is made anew for another `on_size_mismatch`. `size` None: as it came."""

    code: ClassVar = "output-fitted"
    path: str
    came: str
    size: str | None

    def _told(self) -> str:
        if self.size is None:
            return f"{self.path} is written again as it came, {self.came}"
        return f"{self.path} is cut from {self.came} to {self.size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SameAs(Reason):
    code: ClassVar = "same-as"
    address: str

    def _told(self) -> str:
        return f"asks for the same as {self.address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetteringChanged(Reason):
    """The words of a `text` step."""

    code: ClassVar = "lettering-changed"
    old: str
    new: str

    def _told(self) -> str:
        return "lettering: " + words_changed(self.old, self.new)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsChanged(Reason):
    """Local steps that came and went; both are empty where the same ones stand in another order."""

    code: ClassVar = "steps-changed"
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def _told(self) -> str:
        named = [*(f"+ {name}" for name in self.added), *(f"− {name}" for name in self.removed)]
        return f"steps: {', '.join(named)}" if named else "its steps stand in another order"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeChanged(Reason):
    """Of a picture whose earlier steps this machine never saw."""

    code: ClassVar = "recipe-changed"

    def _told(self) -> str:
        return "its steps or what they work on changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidBefore(Reason):
    code: ClassVar = "paid-before"

    def _told(self) -> str:
        return "was made before, costs nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputAbsent(Reason):
    code: ClassVar = "output-absent"
    path: str

    def _told(self) -> str:
        return f"{self.path} is written again"
