"""Sizes for another model: always one that it takes, of equal aspect where that can be, the nearest in area."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.catalogue.check import size_findings
from seedpipe.catalogue.sizes import PixelRange, near_size, parse_pixels, parse_ratio
from seedpipe.plan.migrated_size import equal_aspect, move_size

CATALOGUE = load_catalogue()


def moved(source: str, target: str, size: str | None, aspect: str | None = None, *, provider: str = "byteplus") -> str:
    """How size and aspect are then written, and what comes."""
    found = move_size(size, aspect, *(CATALOGUE.model(CATALOGUE.model_id(name), provider) for name in (source, target)))
    after = "?" if found.after is None else "{}x{}".format(*found.after)
    return f"{found.size} {found.aspect} {after}{' !' if found.why else ''}"


@pytest.mark.parametrize(
    ("source", "target", "size", "aspect", "told"),
    [
        ("4.0", "4.5", "2K", "16:9", "2K 16:9 2848x1600"),
        ("4.0", "4.5", "1K", "16:9", "2K 16:9 2848x1600 !"),
        ("4.0", "4.5", "4K", "3:4", "4K 3:4 3520x4704"),
        ("4.5", "5.0-pro", "4K", "3:4", "2K 3:4 1776x2368 !"),
        ("4.5", "5.0-pro", "2K", "16:9", "2K 16:9 2816x1584"),
        ("5.0-pro", "4.0", "1.5K", "1:1", "2K 1:1 2048x2048 !"),  # 1.8 times the area; 1K would be 2.3 times less
        ("4.0", "4.5", "1K", None, "2K None ? !"),
        ("4.0", "4.5", "2K", None, "2K None ?"),
        ("4.0", "4.5", None, None, "None None 2048x2048"),
        ("4.0", "4.5", None, "16:9", "None 16:9 2848x1600"),
        ("4.0", "5.0-pro", None, "16:9", "None 16:9 2816x1584"),
        ("4.0", "4.5", "1280x720", None, "2560x1440 None 2560x1440 !"),  # exactly 16:9, which 2848x1600 is not
        ("4.0", "4.5", "1500x900", None, "2480x1488 None 2480x1488 !"),
        ("4.5", "4.0", "3000x2000", None, "3000x2000 None 3000x2000"),
        ("4.5", "5.0-pro", "4096x4096", None, "2048x2048 None 2048x2048 !"),
        ("4.0", "3.0-t2i", "2K", "16:9", "1280x720 None 1280x720 !"),
        ("4.0", "3.0-t2i", "2K", None, "1024x1024 None 1024x1024 !"),
        ("3.0-t2i", "4.5", None, "16:9", "None 16:9 2848x1600"),
        ("3.0-t2i", "4.5", "1280x720", None, "2560x1440 None 2560x1440 !"),
        ("4.0", "4.5", "1K", "5:4", "2290x1832 None 2290x1832 !"),  # no table has 5:4; the linter had said so before
    ],
)
def test_what_is_then_written(source: str, target: str, size: str | None, aspect: str | None, told: str) -> None:
    names = {"3.0-t2i": "seedream-3-0-t2i"}
    assert moved(names.get(source, source), names.get(target, target), size, aspect) == told


def test_the_same_tier_at_another_provider_may_be_absent() -> None:
    assert moved("4.5", "5.0", "4K", "1:1", provider="apiyi") == "3K 1:1 3072x3072 !"
    assert moved("4.5", "5.0", "4K", "1:1", provider="byteplus") == "4K 1:1 4096x4096"


@given(data=st.data())
def test_whatever_moves_is_taken_there(data: st.DataObject) -> None:
    provider = data.draw(st.sampled_from(["apiyi", "byteplus", "volcengine"]))
    own = [
        model for (name, _), model in CATALOGUE.served.items() if name == provider and model.default_size != "adaptive"
    ]
    source, target = data.draw(st.sampled_from(own)), data.draw(st.sampled_from(own))
    if data.draw(st.booleans()):
        width = data.draw(st.integers(200, 8000))
        size, aspect = f"{width}x{data.draw(st.integers(max(1, width // 16), width * 16))}", None
    else:
        size = data.draw(st.sampled_from([None, *source.tiers]))
        listed = sorted({name for tier in [*source.tiers, "exact"] for name in source.sizes.get(tier, ())})
        aspect = data.draw(st.sampled_from([None, *listed]))
    found = move_size(size, aspect, source, target)
    assert not size_findings(target, found.size, found.aspect), "the service would take it"
    if found.after is not None:
        assert not target.size_faults(*found.after)
    exact = parse_pixels(size) if size is not None else None
    asked = Fraction(*exact) if exact else parse_ratio(aspect) if aspect else None
    if found.why and asked is not None and asked in target.aspect and found.after is not None:
        assert abs(Fraction(*found.after) / asked - 1) < Fraction(1, 20), "a table's 16:9 is 2848x1600: nearly"
    if not found.why:
        assert (found.size, found.aspect) == (size, aspect if exact is None else None)
    assert move_size(found.size, found.aspect, target, target).why == "", "there it may stay"


@given(
    area=st.integers(1, 40_000_000),
    ratio=st.builds(Fraction, st.integers(1, 64), st.integers(1, 64)),
    least=st.integers(1, 5_000_000),
    more=st.integers(0, 20_000_000),
)
def test_equal_aspect_is_exact_wherever_it_can_be(area: int, ratio: Fraction, least: int, more: int) -> None:
    allowed = PixelRange(min=least, max=least + more)
    width, height = equal_aspect(area, ratio, allowed)
    unit = ratio.numerator * ratio.denominator
    possible = [times for times in range(1, 6000) if least <= times * times * unit <= least + more]
    if possible:
        assert Fraction(width, height) == ratio
        assert width * height in allowed
        best = min(possible, key=lambda times: max(Fraction(times**2 * unit, area), Fraction(area, times**2 * unit)))
        assert width * height == best**2 * unit


@given(
    pixels=st.integers(1, 40_000_000),
    width=st.integers(1, 90_000),
    height=st.integers(1, 90_000),
    least=st.integers(1, 4_000_000),
)
def test_a_near_size_is_never_more_stretched(pixels: int, width: int, height: int, least: int) -> None:
    """5001x79888 is just within 1:16; 537x8594, a size of 4.6 million pixels near it, would not be."""
    ratio = min(max(Fraction(width, height), Fraction(1, 16)), Fraction(16))
    found = Fraction(*near_size(pixels, ratio, PixelRange(min=least, max=least * 4)))
    assert min(ratio, 1) <= found <= max(ratio, 1)
