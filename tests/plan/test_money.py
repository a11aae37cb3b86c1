"""What a picture costs at most, and what the catalogue decides once and the lock then remembers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.catalogue.lookup import UnknownModelError
from seedpipe.money import Money
from seedpipe.plan.price import currency_of, pixels_of, price_of
from seedpipe.plan.resolve import Resolver
from tests.plan.project import Project

CATALOGUE = load_catalogue()
OFFERS = [
    (provider.id, offer.model)
    for provider in CATALOGUE.providers.values()
    for offer in provider.offers.values()
    if offer.price is not None
]


@pytest.mark.parametrize(("provider", "model_id"), OFFERS)
def test_a_picture_whose_pixels_the_model_picks_costs_as_its_dearest_shape(provider: str, model_id: str) -> None:
    model = CATALOGUE.model(model_id, provider)
    for tier in model.tiers:
        each = [CATALOGUE.price(provider, model_id, *shape, inputs=2) for shape in model.sizes[tier].values()]
        assert price_of(CATALOGUE, provider, model_id, tier, inputs=2) == max(each, key=lambda money: money.micros)
    default = Resolver(catalogue=CATALOGUE, provider=provider, remembered={}).size(model_id, None, None)
    most = CATALOGUE.price(provider, model_id, model.pixels.max, 1, inputs=1)
    assert Money.zero(most.currency) < price_of(CATALOGUE, provider, model_id, default, inputs=1) <= most
    assert currency_of(CATALOGUE, provider) == most.currency


@given(st.sampled_from(OFFERS), st.integers(1, 4096), st.integers(1, 4096), st.integers(0, 10))
def test_an_exact_size_costs_what_the_catalogue_says_of_its_pixels(
    offer: tuple[str, str], width: int, height: int, inputs: int
) -> None:
    assert pixels_of(f"{width}x{height}") == (width, height)
    price = price_of(CATALOGUE, *offer, f"{width}x{height}", inputs=inputs)
    assert price == CATALOGUE.price(*offer, width, height, inputs)


def test_pixels_above_the_threshold_and_further_references_cost_more() -> None:
    project = Project(provider="byteplus").images("""
a: {prompt: A lamp, model: seedream-5-0-pro, size: 1K}
b: {prompt: A lamp, model: seedream-5-0-pro, size: 2K}
c: {prompt: image 1 and image 2 and image 3, model: seedream-5-0-pro, size: 1K, references: [a, b, d]}
d: {prompt: A desk}
""")
    plan = project.plan()
    assert [str(plan.nodes[name].cost.high) for name in "abc"] == ["0.045 USD", "0.09 USD", "0.051 USD"]
    assert plan.currency == "USD"
    assert str(plan.cost.high) == "0.226 USD"


def test_what_the_catalogue_decided_stays_when_it_decides_otherwise() -> None:
    project = Project().images("hero: {prompt: A lamp, aspect: 16:9}\nside: {prompt: A desk}")
    plan = project.build()
    assert plan.resolved == {
        "model/seedream-4-5": "seedream-4-5-251128",
        "size/seedream-4-5-251128/2K/16:9": "2848x1600",
    }
    other = load_catalogue(
        [
            (
                "user.yaml",
                b"models:\n"
                b"  seedream-4-5-270101: {like: seedream-4-5-251128, released: 2027-01-01, aliases: [seedream-4-5]}\n"
                b"  seedream-4-5-251128: {aliases: [old], sizes: {2K: {16:9: 2560x1440}}}\n",
            )
        ]
    )
    assert other.model_id("seedream-4-5") == "seedream-4-5-270101", "the alias has moved"
    resolver = Resolver(catalogue=other, provider="apiyi", remembered=project.lock.resolved)
    model = resolver.model("seedream-4-5")
    assert (model, resolver.size(model, "2K", "16:9")) == ("seedream-4-5-251128", "2848x1600")
    assert resolver.made == {}, "nothing was decided anew"
    fresh = Resolver(catalogue=other, provider="apiyi", remembered={})
    assert fresh.size("seedream-4-5-251128", "2K", "16:9") == "2560x1440"


def test_a_definite_name_and_size_need_no_remembering() -> None:
    resolver = Resolver(catalogue=CATALOGUE, provider="apiyi", remembered={})
    assert resolver.model("seedream-4-0-250828") == "seedream-4-0-250828"
    assert resolver.size("seedream-4-0-250828", "2560x1440", "16:9") == "2560x1440"
    assert resolver.size("seedream-4-0-250828", "2K", None) == "2K", "the aspect is left to the model"
    assert resolver.made == {}
    with pytest.raises(UnknownModelError):
        resolver.model("seedream-9")
