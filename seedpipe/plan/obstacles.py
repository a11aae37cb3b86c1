"""Why a picture is not made, or stays as it is: what stands in its way, and what a person has said."""

from dataclasses import dataclass
from typing import ClassVar

from seedpipe.plan.reason import Reason


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
class RefusedBefore(Reason):
    """The service's own words; the same request is not sent again by itself. `refusal` is empty where it gave no code."""

    code: ClassVar = "refused-before"
    refusal: str
    message: str
    request_id: str | None = None

    def _told(self) -> str:
        return f"{self.refusal}: {self.message}" if self.refusal else self.message
