"""Why a node is what it is, as data; the sentences stand in one table here, for plan, explain, JSON and pages."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from seedpipe.names import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One cause. `code` is stable; `to_dict` gives code, fields and the sentence."""

    code: ClassVar[str] = "reason"

    def sentence(self) -> str:
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {"code": self.code, "sentence": self.sentence()} | {
            name: value for name, value in values.items() if value is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class New(Reason):
    code: ClassVar = "new"

    def sentence(self) -> str:
        return "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptChanged(Reason):
    """`old` is None where this machine never saw the earlier words (a fresh clone)."""

    code: ClassVar = "prompt-changed"
    old: str | None
    new: str

    def sentence(self) -> str:
        if self.old is None:
            return "the prompt changed"
        return "prompt: " + words_changed(self.old, self.new)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChanged(Reason):
    code: ClassVar = "field-changed"
    field: str
    old: str
    new: str

    def sentence(self) -> str:
        return f"{self.field.replace('_', ' ')}: {self.old} → {self.new}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceChanged(Reason):
    code: ClassVar = "reference-changed"
    address: str

    def sentence(self) -> str:
        return f"{self.address} is another picture now"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencesChanged(Reason):
    code: ClassVar = "references-changed"
    before: int
    after: int

    def sentence(self) -> str:
        if self.before == self.after:
            return "the references stand in another order"
        return f"references: {self.before} → {self.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamMade(Reason):
    """`first`: the upstream never had a picture."""

    code: ClassVar = "upstream-made"
    address: str
    first: bool = False

    def sentence(self) -> str:
        return f"{self.address} is new" if self.first else f"{self.address} changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamStopped(Reason):
    """The upstream's picture won't come: `state` says why."""

    code: ClassVar = "upstream-stopped"
    address: str
    state: str

    def sentence(self) -> str:
        return f"{self.address} is {self.state}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNotFetched(Reason):
    code: ClassVar = "source-not-fetched"
    address: str

    def sentence(self) -> str:
        return f"{self.address} is fetched first"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMissing(Reason):
    """Its batch brought `came` of `asked` pictures; `refusal` and `message` are the service's words, if it said any."""

    code: ClassVar = "frame-missing"
    came: int
    asked: int
    refusal: str | None = None
    message: str | None = None

    def sentence(self) -> str:
        short = f"{self.came} of {self.asked} frames came"
        return f"{short}; {self.refusal}: {self.message}" if self.refusal else short


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMade(Reason):
    """Of a counted sequence any number is complete."""

    code: ClassVar = "not-made"
    came: int

    def sentence(self) -> str:
        return f"the service made {self.came}, which is complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedWordsChanged(Reason):
    code: ClassVar = "shared-words-changed"

    def sentence(self) -> str:
        return "the words that all its frames share changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreTakes(Reason):
    code: ClassVar = "more-takes"
    have: int
    want: int

    def sentence(self) -> str:
        return f"has {self.have} of {self.want} takes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacesApproved(Reason):
    code: ClassVar = "replaces-approved"

    def sentence(self) -> str:
        return "replaces an approved picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOnPurpose(Reason):
    code: ClassVar = "kept-on-purpose"
    level: str

    def sentence(self) -> str:
        until = "unpinned" if self.level == "pinned" else "named"
        return f"{self.level}, and stays until it is {until}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeOff(Reason):
    """`--no-cascade`: only its own words, parameters and source files would have it made again."""

    code: ClassVar = "cascade-off"

    def sentence(self) -> str:
        return "what it is made from changed, and it stays without the cascade"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNamed(Reason):
    """An upstream of what was named, which nobody named itself."""

    code: ClassVar = "not-named"

    def sentence(self) -> str:
        return "used as it is, because it wasn't named"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut(Reason):
    """`--exclude`: what needs it doesn't come either."""

    code: ClassVar = "left-out"

    def sentence(self) -> str:
        return "left out, and has no picture yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeUncertain(Reason):
    """`since` is UTC text; `cost` what it may have cost."""

    code: ClassVar = "charge-uncertain"
    since: str
    cost: str
    why: str

    def sentence(self) -> str:
        return f"sent {self.since}, no answer ({self.why}); it may have cost {self.cost}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesMissing(Reason):
    code: ClassVar = "bytes-missing"
    digest: str

    def sentence(self) -> str:
        return f"the chosen picture {self.digest[7:19]} is nowhere on this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputEdited(Reason):
    code: ClassVar = "output-edited"
    path: str

    def sentence(self) -> str:
        return f"{self.path} is not a picture that seedpipe put there"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedBefore(Reason):
    """The service's own words; the same request is not sent again by itself."""

    code: ClassVar = "refused-before"
    refusal: str
    message: str

    def sentence(self) -> str:
        return f"{self.refusal}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SameAs(Reason):
    code: ClassVar = "same-as"
    address: str

    def sentence(self) -> str:
        return f"asks for the same as {self.address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeChanged(Reason):
    code: ClassVar = "recipe-changed"

    def sentence(self) -> str:
        return "its steps or what they work on changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidBefore(Reason):
    code: ClassVar = "paid-before"

    def sentence(self) -> str:
        return "was made before, costs nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputAbsent(Reason):
    code: ClassVar = "output-absent"
    path: str

    def sentence(self) -> str:
        return f"{self.path} is written again"


def words_changed(old: str, new: str, *, limit: int = 3) -> str:
    """The changed words of two texts, `matte → brushed brass`; at most `limit` places, then how many more."""
    before, after = old.split(), new.split()
    changes = []
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        left, right = _clip(before[i1:i2]), _clip(after[j1:j2])
        changes.append(f"{left} → {right}" if left and right else f"+ {right}" if right else f"− {left}")
    if not changes:
        return "line breaks"
    more = f", {len(changes) - limit} more" if len(changes) > limit else ""
    return ", ".join(changes[:limit]) + more


def _clip(words: Sequence[str], limit: int = 6) -> str:
    return " ".join(words[:limit]) + (" …" if len(words) > limit else "")


_SHARED = ("shared", "compose")  # texts of a frame's document that all frames of its sequence have


def compare_documents(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    old_prompt: str | None,
    defaults: Mapping[str, Any],
    references: Sequence[str],
) -> tuple[Reason, ...]:
    """What differs between the remembered document and the present one.

    `old` is a lock's `asked` (prompt as a digest), `new` a request document with its words; `references` are the
    addresses behind the new document's references.
    """
    reasons: list[Reason] = []
    if old.get("prompt") != str(Digest.of(new["prompt"].encode())):
        reasons.append(PromptChanged(old=old_prompt, new=new["prompt"]))
    if any(old.get(name) != _digest_of(new.get(name)) for name in _SHARED):
        reasons.append(SharedWordsChanged())
    for name in ("model", *(name for name in defaults if name not in _SHARED)):
        before, after = old.get(name, defaults.get(name)), new.get(name, defaults.get(name))
        if before != after:
            reasons.append(FieldChanged(field=name, old=_shown(before), new=_shown(after)))
    before_references, after_references = old.get("references", []), new.get("references", [])
    if len(before_references) != len(after_references) or (
        before_references != after_references and sorted(before_references) == sorted(after_references)
    ):
        reasons.append(ReferencesChanged(before=len(before_references), after=len(after_references)))
    else:
        reasons += [
            ReferenceChanged(address=address)
            for address, before, after in zip(references, before_references, after_references, strict=True)
            if before != after
        ]
    return tuple(reasons)


def _digest_of(text: str | None) -> str | None:
    return None if text is None else str(Digest.of(text.encode()))


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
