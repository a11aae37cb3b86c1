"""How long pictures take: the median of what the journal remembers, the catalogue's values until that is enough. Pure.

Pictures are told apart by model, size tier and how many one request asks for; of each kind the latest `LATEST` requests
count, once there are `FEWEST`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from seedpipe.catalogue.model import Model
from seedpipe.plan.price import pixels_of
from seedpipe.state.requests import Took

FEWEST: Final = 5
LATEST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds until the first picture of a request, and from each to the next. `pictures` it is known from; 0: none."""

    first: float
    further: float = 0.0
    pictures: int = 0

    def until(self, place: int) -> float:
        """Seconds until the picture at `place` (from 0) is there."""
        return self.first + place * self.further


@dataclass(slots=True, kw_only=True)
class Latencies:
    """`took` gives what is remembered of a model, the latest first; `model` the catalogue's model."""

    took: Callable[[str], Sequence[Took]]
    model: Callable[[str], Model]
    _known: dict[tuple[str, str, int], Latency] = field(default_factory=dict)
    _kinds: dict[str, Mapping[tuple[str, int], Sequence[Took]]] = field(default_factory=dict)

    def of(self, model: str, size: str, images: int = 1) -> Latency:
        """Of a request to `model` for so many pictures of `size` (`WxH` or a tier)."""
        kind = (model, self._tier(model, size), images)
        if kind not in self._known:
            self._known[kind] = self._learnt(*kind) or self._catalogue(model)
        return self._known[kind]

    def _catalogue(self, model: str) -> Latency:
        seconds = self.model(model).seconds_per_image
        return Latency(first=seconds, further=seconds)

    def _learnt(self, model: str, tier: str, images: int) -> Latency | None:
        kinds = self._of_model(model)
        found = kinds.get((tier, images), ())
        if len(found) < FEWEST and images > 1:  # batches of other lengths tell how long one picture takes
            found = [took for (other, asked), each in kinds.items() if other == tier and asked > 1 for took in each]
        found = found[:LATEST]
        if len(found) < FEWEST:
            return None
        whole = median(took.last / took.came for took in found) * images
        first = min(whole, median(took.first for took in found))
        further = (whole - first) / (images - 1) if images > 1 else 0.0
        return Latency(first=first, further=further, pictures=sum(took.came for took in found))

    def _of_model(self, model: str) -> Mapping[tuple[str, int], Sequence[Took]]:
        if model not in self._kinds:
            kinds: dict[tuple[str, int], list[Took]] = {}
            for took in self.took(model):
                kinds.setdefault((self._tier(model, took.size), took.images), []).append(took)
            self._kinds[model] = kinds
        return self._kinds[model]

    def _tier(self, model: str, size: str) -> str:
        """The smallest tier in which so many pixels are; of a model without tiers there is one."""
        pixels = pixels_of(size)
        if pixels is None:
            return size.upper()
        known = self.model(model)
        for tier in known.tiers:
            if pixels[0] * pixels[1] <= max(width * height for width, height in known.sizes[tier].values()):
                return tier
        return known.tiers[-1] if known.tiers else ""
