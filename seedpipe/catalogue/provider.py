"""`Provider`: where a service is, what it calls the models, what they cost there, what its errors mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from seedpipe.money import Money

_ENDPOINT: Final = re.compile(r"ep-[A-Za-z0-9][A-Za-z0-9-]{0,63}\Z")


def host_of(url: str) -> str:
    """Host and, where it isn't the default one, port: what a key is bound to."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower().rstrip(".")
    return f"{host}:{parts.port}" if parts.port is not None else host


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

    def at_least(self, image: Money, source: str) -> "Price":
        """The same price where it is higher, `image` a picture where that is, with its source. In one currency.

        Who asks more for a picture may ask as much for a layer.
        """
        parts = [part for part in (self.image, self.image_above) if part is not None and part < image]
        if not parts:
            return self
        image_above, layer, layer_above = (
            None if part is None else max(part, image) for part in (self.image_above, self.layer, self.layer_above)
        )
        return replace(
            self,
            image=max(self.image, image),
            image_above=image_above,
            layer=layer,
            layer_above=layer_above,
            estimate=None,
            source=source,
        )

    @property
    def highest(self) -> Money:
        """The dearest that one picture without further inputs can be."""
        return self.image if self.image_above is None else max(self.image, self.image_above)

    @property
    def amounts(self) -> str:
        """For a column: `0.035`, `0.045–0.09`."""
        return self.image.amount if self.image_above is None else f"{self.image.amount}–{self.image_above.amount}"

    def of_layer(self, width: int, height: int) -> Money | None:
        """One picture of a decomposition, the ground included, of a picture of `width` × `height`; None: not known."""
        above = self.above_pixels is not None and width * height > self.above_pixels
        return self.layer_above if above and self.layer_above is not None else self.layer

    def summary(self) -> str:
        """In a sentence: `0.035 USD`, `0.045 or 0.09 USD, 0.003 per further reference`."""
        above = f" or {self.image_above.amount}" if self.image_above else ""
        inputs = f", {self.further_input.amount} per further reference" if self.further_input else ""
        return f"{self.image.amount}{above} {self.currency}{inputs}"

    def to_dict(self) -> dict[str, object]:
        """As JSON, amounts as text; what there isn't is left out."""
        above = None
        if self.image_above is not None:
            above = {"pixels": self.above_pixels, "image": self.image_above.amount}
        parts: dict[str, object | None] = {
            "currency": self.currency,
            "image": self.image.amount,
            "above": above,
            "further_input": self.further_input and self.further_input.amount,
            "layer": self.layer and self.layer.amount,
            "layer_above": self.layer_above and self.layer_above.amount,
            "estimate": self.estimate and str(self.estimate),
            "date": self.date,
            "source": self.source,
        }
        return {name: value for name, value in parts.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """What a customer may save: `by` top-up bonuses, say, up to `percent`. Shown beside a price, never counted."""

    percent: int
    by: str

    def lowest(self, price: Money) -> Money:
        """The price with all of it, rounded up to a millionth."""
        return Money(-(-price.micros * (100 - self.percent) // 100), price.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One model at one provider: `wire` is what is sent as `model` (an `ep-…` endpoint works too)."""

    model: str  # the dated id
    wire: str
    also: tuple[str, ...] = ()  # other spellings that the provider takes
    price: Price | None = None  # None: not known, so it can't be bought

    def at_endpoint(self, endpoint: str) -> "Offer":
        """The same model, asked for at an inference endpoint. Raises `ValueError` for what isn't one."""
        if not _ENDPOINT.match(endpoint):
            raise ValueError(f"`{endpoint}` is not an inference endpoint like `ep-20260101120000-abcde`")
        return replace(self, wire=endpoint, also=tuple(dict.fromkeys([self.wire, *self.also])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One service of the protocol. Its key goes to `hosts` only.

    `keys_apart`: its keys are good at its own paths only, not for what else answers on the same host.
    """

    id: str
    title: str
    bases: tuple[str, ...]  # the first is the default; without a trailing slash
    hosts: tuple[str, ...]
    key_variables: tuple[str, ...]  # in the order they are looked up
    keys_apart: bool
    key_hint: str | None  # what else may be wrong with a key that is refused
    offers: Mapping[str, Offer]  # by dated id
    timeout_first: float  # seconds for the first image
    timeout_further: float  # seconds more for each further one
    timeout_min: float
    free_images: int  # once, at the first onboarding; shown, never counted
    discount: Discount | None
    unbilled_errors: frozenset[str]  # codes of 5xx answers that are known to cost nothing
    blocked_statuses: frozenset[int]  # HTTP statuses that mean moderation when the code says nothing
    notes: tuple[str, ...]

    @property
    def base_url(self) -> str:
        return self.bases[0]

    @property
    def key_places(self) -> tuple[str, ...]:
        """Under which names its key is stored: its hosts, or where its keys are apart, host and path."""
        if not self.keys_apart:
            return self.hosts
        return tuple(dict.fromkeys(base.partition("://")[2] for base in self.bases))

    def owns(self, url: str) -> bool:
        """Whether `url` is a base address of this provider, so that its key may go there."""
        if urlsplit(url).scheme != urlsplit(self.base_url).scheme or host_of(url) not in self.hosts:
            return False
        return not self.keys_apart or url.rstrip("/") in self.bases

    def timeout(self, images: int = 1) -> float:
        """Seconds to wait for up to `images` pictures; never below `timeout_min` (OVERVIEW, KB)."""
        return max(self.timeout_min, self.timeout_first + self.timeout_further * max(0, images - 1))
