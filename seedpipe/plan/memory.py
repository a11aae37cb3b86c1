"""What the planner asks of the world that remembers: takes, bytes, refusals, outputs. Answered by `project.memory`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Protocol

from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.state.requests import Short

_AND: Final = " and "  # between costs in several currencies


class OutputState(StrEnum):
    """How an output file stands to the picture that belongs there."""

    RIGHT = "right"  # it is that picture
    ABSENT = "absent"
    OURS = "ours"  # another picture that seedpipe put there
    FOREIGN = "foreign"  # nothing that seedpipe knows


class Whereabouts(StrEnum):
    """Where the bytes of a picture are."""

    STORE = "store"
    OUTPUT = "output"  # only in the output file, which stands in for an absent take
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The last definite refusal of a request: `blocked` tells moderation from a faulty request.

    `takes` is how many takes of it were refused and have not come since; `request_id` is the service's of the last.
    """

    code: str
    message: str
    blocked: bool
    takes: int = 1
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """A request whose outcome is not known. `since` is UTC text, `cost` what it may have cost, as text.

    `charged`: it was, for certain; the picture could not be kept.

    `request` is the journal's name for it, `request_id` the service's (None: it never said), `client_request_id` ours.
    `requests`: so many are held for the same picture, this one first; `cost` is then what all of them come to.
    """

    since: str
    cost: str
    why: str
    ordinal: int
    charged: bool = False
    request: str | None = None
    request_id: str | None = None
    client_request_id: str | None = None
    requests: int = 1

    @classmethod
    def of_all(cls, found: Sequence["Uncertain"]) -> "Uncertain | None":
        """As one: the first of them, with the sum. None for none."""
        if len(found) < 2:
            return found[0] if found else None
        sums: dict[str, Money] = {}
        for text in (part for one in found for part in one.cost.split(_AND)):
            money = Money.parse(text)
            sums[money.currency] = sums.get(money.currency, Money.zero(money.currency)) + money
        return replace(
            found[0],
            cost=_AND.join(map(str, sums.values())),
            charged=all(one.charged for one in found),
            requests=sum(one.requests for one in found),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Pictures that are paid for and still at the provider: the next build fetches them, for nothing, `until` (UTC text).

    `takes` is how many of one want, `cost` what they cost together, as text.
    """

    until: str
    cost: str
    takes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A person's word about a request that brought no picture: `paid` or not. `at` and `since` are UTC text."""

    who: str
    at: str
    paid: bool
    cost: str
    since: str
    note: str | None


class Memory(Protocol):
    """Look-ups only; all answers are of one realm."""

    def source_digest(self, path: str) -> Digest:
        """Of the file's bytes. Raises what `ProjectFiles.read` raises."""
        ...

    def source_pixels(self, path: str) -> Digest:
        """Of the decoded pixels; asked only when the bytes changed."""
        ...

    def font_digest(self, path: str | None) -> Digest: ...

    def fetched(self, url: str) -> Digest | None:
        """The digest under which a URL source's bytes were fetched, if they were."""
        ...

    def takes(self, want: Digest) -> tuple[Digest, ...]:
        """Pictures for this very want whose bytes are at hand: those that a node has chosen, then in order of arrival."""
        ...

    def recipe(self, recipe: Digest) -> Digest | None:
        """The first bytes made for a recipe, if they are at hand."""
        ...

    def whereabouts(self, digest: Digest, output: str | None) -> Whereabouts:
        """Where the bytes are; `output` is the file that may hold them when the store doesn't."""
        ...

    def is_pointer(self, output: str | None) -> bool:
        """Whether an output file is the Git LFS pointer of a picture that was not fetched."""
        ...

    def uncertain(self, want: Digest) -> Uncertain | None:
        """Of the request that was to bring it and didn't say."""
        ...

    def waiting(self, want: Digest) -> Waiting | None: ...

    def said(self, want: Digest) -> Said | None:
        """The last word of a person about a request for it."""
        ...

    def came_short(self, want: Digest) -> Short | None: ...

    def refused(self, request_key: Digest) -> Refused | None: ...

    def words(self, want: Digest) -> Mapping[str, str]:
        """The texts (`prompt`, and of a frame `shared`, `compose`) that were wanted under this key, if remembered."""
        ...

    def recipe_asked(self, recipe: Digest) -> Mapping[str, Any] | None:
        """The recipe's document (`key.recipe_document`), if a picture was made by it on this machine."""
        ...

    def frames_came(self, model: str) -> tuple[int, int]:
        """How many pictures the latest batches of a model brought, and how many they were asked for; zeros of none."""
        ...

    def pixels(self, picture: Digest, want: Digest) -> tuple[int, int] | None:
        """Width and height of a picture that came for `want`, decoded; None if neither record nor bytes are at hand."""
        ...

    def output(
        self, path: str, wanted: Digest | None, known: tuple[Digest, ...], made_of: str | None = None
    ) -> OutputState:
        """How the file at `path` stands to `wanted`; `known` are other pictures of the node.

        A file that seedpipe put there is right as well if it noted that it was made of `made_of`.
        """
        ...
