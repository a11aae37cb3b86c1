"""The size that a picture was asked to have, whether one that came has it, and what the manifest says if not. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from seedpipe.catalogue.model import Model
from seedpipe.catalogue.sizes import parse_pixels, size_text
from seedpipe.plan.key import DEFAULTS_1
from seedpipe.state.lock import ImageEntry

Pixels = tuple[int, int]  # width, height, as decoded


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSize:
    """`exact` pixels; or None where the model picks the shape of the tier `text`, and `tiers` tell one from another."""

    text: str
    exact: Pixels | None
    tiers: Mapping[str, int]  # tier → pixels of its square

    def is_met(self, came: Pixels) -> bool:
        """Exact pixels by the pixel; a tier by its number of pixels, which has to be nearest to this tier's."""
        if self.exact is not None:
            return came == self.exact
        if self.text not in self.tiers:
            return True
        pixels = max(1, came[0] * came[1])
        nearest = min(self.tiers, key=lambda tier: max(pixels / self.tiers[tier], self.tiers[tier] / pixels))
        return nearest == self.text


def asked_size(model: Model, size: str) -> AskedSize:
    """`size` is `WxH` or a tier; of any other word nothing is expected."""
    squares = {tier: model.sizes[tier].get("1:1") for tier in model.tiers}
    tiers = {tier: square[0] * square[1] for tier, square in squares.items() if square is not None}
    return AskedSize(text=size, exact=parse_pixels(size), tiers=tiers)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRule:
    """What was asked of one node, and its `on_size_mismatch`. A picture whose size isn't known is taken as right."""

    asked: AskedSize
    on_mismatch: str  # accept | fail | fit

    @property
    def matters(self) -> bool:
        """Whether anything is done about another size, so that it is worth finding out."""
        return self.on_mismatch != "accept"

    def differs(self, came: Pixels | None) -> bool:
        return came is not None and not self.asked.is_met(came)

    def refuses(self, came: Pixels | None) -> bool:
        """Whether a picture is not to be chosen by itself."""
        return self.on_mismatch == "fail" and self.differs(came)

    def fit(self, came: Pixels | None) -> str | None:
        """The `WxH` that the output is brought to, where it isn't the picture as it came."""
        if self.on_mismatch != "fit" or self.asked.exact is None or not self.differs(came):
            return None
        return size_text(self.asked.exact)


def came_of(rule: SizeRule, entry: ImageEntry) -> Pixels | None:
    """The size of a chosen picture; None for one that is kept although another size is asked now."""
    if entry.asked.get("size", DEFAULTS_1["size"]) != rule.asked.text:
        return None
    return parse_pixels(entry.made.size)


def fit_of(rule: SizeRule, entry: ImageEntry) -> str | None:
    """What the file of a chosen picture is cut to."""
    return rule.fit(came_of(rule, entry))
