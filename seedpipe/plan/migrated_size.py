"""The size of a picture for another model: what is asked there where the old size can't be, the nearest of equal aspect."""

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Final

from seedpipe.catalogue.model import EXACT, Model
from seedpipe.catalogue.sizes import PixelRange, near_size, parse_pixels, parse_ratio, size_text

Pixels = tuple[int, int]  # width, height

_BY_THE_MODEL: Final = "as the model picks"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeMove:
    """`size` and `aspect` as they are to be written; `before` and `after` in pixels, None where the model picks.

    `why` is the reason for writing them otherwise, empty where they may stay.
    """

    size: str | None
    aspect: str | None
    before: Pixels | None
    after: Pixels | None
    why: str = ""

    @property
    def words(self) -> str:
        """`2848x1600 in place of 1280x720`; empty where the model picks both times."""
        if self.before == self.after:
            return "" if self.after is None else f"{_text(self.after)} as before"
        return f"{_text(self.after)} in place of {_text(self.before)}"


def move_size(size: str | None, aspect: str | None, source: Model, target: Model) -> SizeMove:
    """What a picture of `source` asks of `target`. Size and aspect are as in the manifest, resolved for nobody yet."""
    exact = parse_pixels(size) if size is not None else None
    if exact is not None:
        return _exact(size, exact, target)
    before = _pixels(source, size, aspect)
    if aspect is None:
        return _free(size, before, source, target)
    stays = _pixels(target, size, aspect)
    if stays is not None:
        return SizeMove(size=size, aspect=aspect, before=before, after=stays)
    tier = None if size is None or size in target.tiers else _nearest_tier(target, aspect, before)
    if tier is not None:
        after = target.size_for(tier, aspect)
        return SizeMove(size=tier, aspect=aspect, before=before, after=after, why=_no_tier(target))
    return _in_pixels(size, aspect, before, target)


def _exact(size: str | None, exact: Pixels, target: Model) -> SizeMove:
    faults = target.size_faults(*exact)
    if not faults:
        return SizeMove(size=size, aspect=None, before=exact, after=exact)
    after = _nearest(target, exact[0] * exact[1], Fraction(*exact))
    why = faults[0].partition(" (")[0].partition(";")[0]
    return SizeMove(size=size_text(after), aspect=None, before=exact, after=after, why=why)


def _free(size: str | None, before: Pixels | None, source: Model, target: Model) -> SizeMove:
    """Without an aspect: a tier whose aspect the model picks, or nothing at all."""
    if size is None:
        after = parse_pixels(target.default_size)
        return SizeMove(size=None, aspect=None, before=parse_pixels(source.default_size), after=after)
    if size in target.tiers:
        return SizeMove(size=size, aspect=None, before=before, after=None)
    area = _area(source.size_for(size) if size in source.tiers else None, target)
    tiers = [tier for tier in target.tiers if "1:1" in target.sizes[tier]]
    if tiers:
        near = min(tiers, key=lambda tier: _distance(_area(target.size_for(tier), target), area))
        return SizeMove(size=near, aspect=None, before=None, after=None, why=_no_tier(target))
    after = _nearest(target, area, Fraction(1))
    why = f"{_no_tier(target)}, and its aspect is never picked by the model"
    return SizeMove(size=size_text(after), aspect=None, before=None, after=after, why=why)


def _in_pixels(size: str | None, aspect: str, before: Pixels | None, target: Model) -> SizeMove:
    """No table of the target has this aspect for the tier: the same aspect in pixels."""
    ratio = min(max(parse_ratio(aspect), target.aspect.min), target.aspect.max)
    after = _nearest(target, _area(before, target), ratio)
    why = f"`{target.id}` has no recommended pixels for `{aspect}`" + (f" in `{size}`" if size is not None else "")
    why = why if target.tiers else _no_tier(target)
    return SizeMove(size=size_text(after), aspect=None, before=before, after=after, why=why)


def _no_tier(target: Model) -> str:
    return f"`{target.id}` has {', '.join(target.tiers) or 'no tiers'}"


def _pixels(model: Model, size: str | None, aspect: str | None) -> Pixels | None:
    """Exact pixels of tier × aspect; None where the model has none, or picks them."""
    if aspect is None:
        return None
    tier = size or model.default_tier or EXACT
    known = tier in model.tiers or (size is None and tier == EXACT)
    if not known or parse_ratio(aspect) not in map(parse_ratio, model.sizes.get(tier, ())):
        return None
    return next(pixels for name, pixels in model.sizes[tier].items() if parse_ratio(name) == parse_ratio(aspect))


def _nearest_tier(target: Model, aspect: str, before: Pixels | None) -> str | None:
    area = _area(before, target)
    sizes = {tier: pixels for tier in target.tiers if (pixels := _pixels(target, tier, aspect)) is not None}
    return min(sizes, key=lambda tier: _distance(_area(sizes[tier], target), area), default=None)


def _nearest(target: Model, area: int, ratio: Fraction) -> Pixels:
    """Of the recommended sizes of this aspect the nearest in area; where there is none, exactly this aspect."""
    ratio = min(max(ratio, target.aspect.min), target.aspect.max)
    usable = [column for tier, column in target.sizes.items() if tier in target.tiers or tier == EXACT]
    listed = [size for column in usable for size in column.values() if Fraction(*size) == ratio]
    if listed:
        return min(listed, key=lambda size: _distance(size[0] * size[1], area))
    return equal_aspect(area, ratio, target.pixels)


def equal_aspect(area: int, ratio: Fraction, allowed: PixelRange) -> Pixels:
    """Of all sizes with exactly this aspect and an allowed number of pixels the nearest to `area`.

    Where no such size exists, one whose aspect is as near as whole pixels allow.
    """
    unit = ratio.numerator * ratio.denominator
    least, most = isqrt(max(allowed.min - 1, 0) // unit) + 1, isqrt(allowed.max // unit)
    if least > most:
        return near_size(area, ratio, allowed)
    times = min(max(isqrt(area // unit), least), most)
    if times < most and _distance((times + 1) ** 2 * unit, area) < _distance(times**2 * unit, area):
        times += 1
    return ratio.numerator * times, ratio.denominator * times


def _distance(one: int, other: int) -> Fraction:
    """How many times larger one is than the other."""
    return Fraction(max(one, other), max(min(one, other), 1))


def _area(pixels: Pixels | None, target: Model) -> int:
    """Where nothing is known of the old size, the target's own default."""
    pixels = pixels or parse_pixels(target.default_size)
    return target.pixels.min if pixels is None else pixels[0] * pixels[1]


def _text(pixels: Pixels | None) -> str:
    return _BY_THE_MODEL if pixels is None else size_text(pixels)
