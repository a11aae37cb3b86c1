"""`Provider`: where a service is, what it calls the models, what they cost there, what its errors mean."""

from collections.abc import Mapping
from dataclasses import dataclass

from seedpipe.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The list price of one model at one provider. Discounts and free images are never counted."""

    image: Money  # one picture
    date: str  # when the price was read, ISO
    source: str
    above_pixels: int | None = None  # pictures with more pixels than this cost `image_above`
    image_above: Money | None = None
    further_input: Money | None = None  # every input image after the first, once per request
    layer: Money | None = None  # per layer of a decomposition, below and above the threshold
    layer_above: Money | None = None
    estimate: Money | None = None  # the provider's own estimate in another currency, for display only

    @property
    def currency(self) -> str:
        return self.image.currency

    def total(self, width: int, height: int, inputs: int, outputs: int = 1) -> Money:
        """One request for `outputs` pictures of `width` × `height` pixels with `inputs` reference images."""
        each = self.image
        if self.above_pixels is not None and self.image_above is not None and width * height > self.above_pixels:
            each = self.image_above
        money = each * outputs
        if self.further_input is not None and inputs > 1:
            money += self.further_input * (inputs - 1)
        return money

    def summary(self) -> str:
        """For a table: `0.035 USD`, `0.045 or 0.09 USD, 0.003 per further reference`."""
        above = f" or {self.image_above.amount}" if self.image_above else ""
        inputs = f", {self.further_input.amount} per further reference" if self.further_input else ""
        return f"{self.image.amount}{above} {self.currency}{inputs}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One model at one provider: `wire` is what is sent as `model` (an `ep-…` endpoint works too)."""

    model: str  # the dated id
    wire: str
    also: tuple[str, ...] = ()  # other spellings that the provider takes
    price: Price | None = None  # None: not known, so it can't be bought


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One service of the protocol. Its key goes to `hosts` only."""

    id: str
    title: str
    bases: tuple[str, ...]  # the first is the default; without a trailing slash
    hosts: tuple[str, ...]
    key_variables: tuple[str, ...]  # in the order they are looked up
    offers: Mapping[str, Offer]  # by dated id
    timeout_first: float  # seconds for the first image
    timeout_further: float  # seconds more for each further one
    timeout_min: float
    free_images: int
    unbilled_errors: frozenset[str]  # codes of 5xx answers that are known to cost nothing
    blocked_statuses: frozenset[int]  # HTTP statuses that mean moderation when the code says nothing
    notes: tuple[str, ...]

    @property
    def base_url(self) -> str:
        return self.bases[0]

    def timeout(self, images: int = 1) -> float:
        """Seconds to wait for up to `images` pictures; never below `timeout_min` (OVERVIEW, KB)."""
        return max(self.timeout_min, self.timeout_first + self.timeout_further * max(0, images - 1))
