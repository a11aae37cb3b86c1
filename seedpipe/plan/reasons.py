"""Why a node is what it is, as data; the sentences stand in one table here, for plan, explain, JSON and pages."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from seedpipe.plan.worddiff import words_changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One cause. `code` is stable; `to_dict` gives code, fields and the sentence.

    `look`: of a picture with several looks, the one that it is about; None: the picture as a whole.
    """

    code: ClassVar[str] = "reason"
    look: str | None = None

    def sentence(self) -> str:
        told = self._told()
        return told if self.look is None else f"look {self.look}: {told}"

    def _told(self) -> str:
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {"code": self.code, "sentence": self.sentence()} | {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value not in (None, ())
        }


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
class UpstreamStopped(Reason):
    """The upstream's picture won't come: `state` says why; `cached` that its sequence is complete without it.

    `more` are others of which that is so, too. `file` is its output file in another format or size, all that is here of it.
    """

    code: ClassVar = "upstream-stopped"
    address: str
    state: str
    more: tuple[str, ...] = ()
    file: str | None = None

    def _told(self) -> str:
        if self.file is not None:
            return f"{self.address} is here only as {self.file}, not as it came"
        if self.state == "waits":
            return f"{self.address} waits for a person's word"
        if self.state == "cached" and self.more:
            listed = f"{', '.join((self.address, *self.more[:-1]))} and {self.more[-1]}"
            named = " ".join(f"'{address}'" for address in (self.address, *self.more))
            way = f"name those that came, or `seedpipe build {named}` asks for them again"
            return f"{listed} were not made, which is complete; {way}"
        if self.state == "cached":
            return (
                f"{self.address} was not made, which is complete; `seedpipe build '{self.address}'` asks for it again"
            )
        return f"{self.address} is {self.state}"

    def next_step(self) -> str | None:
        """What a person can do where only the output file is here; else the upstream's own row says it."""
        if self.file is None:
            return None
        return f"bring the data folder of the machine that bought it; `seedpipe reroll {self.address}` buys another"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateClosed(Reason):
    """The upstream has `gate: approve`, and nobody has approved its present picture. `picture`: there is one.

    `looks`: so many are there to choose among.
    """

    code: ClassVar = "gate-closed"
    address: str
    picture: bool
    looks: int | None = None

    def _told(self) -> str:
        return f"{self.address} is not approved yet" if self.picture else f"{self.address} is to be made, then approved"


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
class KeptOnPurpose(Reason):
    code: ClassVar = "kept-on-purpose"
    level: str

    def _told(self) -> str:
        until = "unpinned" if self.level == "pinned" else "named"
        return f"{self.level}, and stays until it is {until}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeOff(Reason):
    """Only its own words, parameters and source files have it made again: `--no-cascade`, or `cascade: false`.

    `until_named`: the manifest says so, and a person who names it is stronger.
    """

    code: ClassVar = "cascade-off"
    until_named: bool = False

    def _told(self) -> str:
        return "stays until it is named (`cascade: false`)" if self.until_named else "stays (`--no-cascade`)"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNamed(Reason):
    """An upstream of what was named, which nobody named itself, or which `--exclude` leaves out."""

    code: ClassVar = "not-named"
    excluded: bool = False

    def _told(self) -> str:
        return f"used as it is, because it {'is excluded' if self.excluded else 'was not named'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut(Reason):
    """`--exclude`: what needs it doesn't come either."""

    code: ClassVar = "left-out"

    def _told(self) -> str:
        return "left out, and has no picture yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeUncertain(Reason):
    """`since` is UTC text; `cost` what it cost or may have cost; `charged`, `requests` and ids as in `memory.Uncertain`."""

    code: ClassVar = "charge-uncertain"
    since: str
    cost: str
    why: str
    charged: bool = False
    request: str | None = None
    request_id: str | None = None
    client_request_id: str | None = None
    requests: int = 1

    def _told(self) -> str:
        cost = f"{'cost' if self.charged else 'may have cost'} {self.cost}"
        if self.requests > 1:
            return f"{self.requests} requests, the first sent {self.since}: {self.why}; they {cost}"
        return f"sent {self.since}: {self.why}; it {cost}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAgain(Reason):
    """`--retry-unknown`: what may have been charged is sent once more."""

    code: ClassVar = "sent-again"
    since: str
    cost: str
    charged: bool = False

    def _told(self) -> str:
        return f"again, and {self.cost} {'is' if self.charged else 'may be'} paid already (sent {self.since})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidWaits(Reason):
    """The service made it and said where it is; `until` is UTC text."""

    code: ClassVar = "paid-waits"
    until: str
    cost: str

    def _told(self) -> str:
        return f"paid ({self.cost}) and still at the provider, until {self.until}; fetched for nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSaid(Reason):
    """A person's word about an earlier request, by which it may be bought; see `memory.Said`."""

    code: ClassVar = "person-said"
    who: str
    at: str
    paid: bool
    cost: str
    since: str
    note: str | None = None

    def _told(self) -> str:
        word = f"{self.cost} was charged for nothing" if self.paid else "the last one was not charged"
        name = self.who.partition(" <")[0] or self.who
        return f"again: {word}, says {name} (of the request of {self.since})"


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesMissing(Reason):
    """`pointer` is the output file, if it is the Git LFS pointer of a picture; `was` the name that the picture had."""

    code: ClassVar = "bytes-missing"
    digest: str
    pointer: str | None = None
    was: str | None = None

    def _told(self) -> str:
        if self.pointer is not None:
            return f"{self.pointer} is a Git LFS pointer, not the picture itself"
        if self.was is not None:
            return (
                f"the picture {self.digest[7:19]} of {self.was}, which asked for the same, is nowhere on this machine"
            )
        return f"the chosen picture {self.digest[7:19]} is nowhere on this machine"

    def next_step(self) -> str | None:
        return None if self.pointer is None else "`git lfs pull` brings it"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputEdited(Reason):
    code: ClassVar = "output-edited"
    path: str

    def _told(self) -> str:
        return f"{self.path} is not a picture that seedpipe put there"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeDiffers(Reason):
    """`on_size_mismatch: fail`: every picture that came has another size. `take` is the first of them, kept and paid."""

    code: ClassVar = "size-differs"
    asked: str
    came: str
    take: str

    def _told(self) -> str:
        return f"{self.asked} was asked for and {self.came} came (take {self.take[7:19]}, kept)"

    def next_step(self, node: str) -> str:
        """What a person can do; none of it buys another picture."""
        return (
            f"`seedpipe pick {node} {self.take[7:19]}` uses it as it came, and so does `on_size_mismatch: accept`;"
            " `fit` cuts its file to size"
        )


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
class RefusedBefore(Reason):
    """The service's own words; the same request is not sent again by itself. `refusal` is empty where it gave no code."""

    code: ClassVar = "refused-before"
    refusal: str
    message: str
    request_id: str | None = None

    def _told(self) -> str:
        return f"{self.refusal}: {self.message}" if self.refusal else self.message


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
