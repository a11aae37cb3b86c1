"""User files on top of the shipped ones, and the words for the broken ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.catalogue.catalogue import CatalogueFault, UnknownPriceError, load_catalogue
from seedpipe.errors import UsageError
from seedpipe.money import Money
from seedpipe.plan.price import currency_of

V45 = "seedream-4-5-251128"


def load(text: str) -> object:
    return load_catalogue([("user.yaml", text.encode())])


def test_a_model_of_tomorrow_needs_no_release_of_ours() -> None:
    catalogue = load_catalogue(
        [
            (
                "user.yaml",
                b"""
models:
  seedream-6-0-270101:
    like: seedream-5-0-260128
    title: Seedream 6.0
    released: 2027-01-01
    aliases: ["6.0"]
    tiers: [2K, 4K]
    pixels: {max: 20000000}
providers:
  apiyi:
    models:
      seedream-6-0-270101: {wire: seedream-6-0-270101, price: {image: 0.05 USD, date: 2027-01-02, source: me}}
""",
            )
        ]
    )
    assert catalogue.model_id("6.0") == catalogue.model_id("seedream-6-0") == "seedream-6-0-270101"
    assert catalogue.model_id("5.0") == "seedream-5-0-260128"
    model = catalogue.model("seedream-6-0-270101", "apiyi")
    assert model.tiers == ("2K", "4K") and model.size_faults(4096, 4096) == ()
    assert catalogue.price("apiyi", model.id, 2048, 2048, 0) == Money.parse("0.05 USD")
    assert f"`{model.id}`" in catalogue.model(V45, "apiyi").output_format_faults("png")[0]


def test_one_price_is_overridden_and_nothing_else_moves() -> None:
    catalogue = load_catalogue(
        [("u", f"providers: {{apiyi: {{models: {{{V45}: {{price: {{image: 1 USD}}}}}}}}}}".encode())]
    )
    assert catalogue.price("apiyi", V45, 1, 1, 0) == Money.parse("1 USD")
    assert catalogue.model(V45, "apiyi") == load_catalogue().model(V45, "apiyi")
    assert load_catalogue().price("apiyi", V45, 1, 1, 0) == Money.parse("0.04 USD")


def test_a_gateway_of_ones_own_is_like_another_but_has_its_own_hosts() -> None:
    catalogue = load_catalogue(
        [("u", b"providers: {mine: {like: apiyi, title: Mine, bases: [https://gate.example/v1]}}")]
    )
    mine = catalogue.provider("mine")
    assert mine.hosts == ("gate.example",)
    assert mine.key_variables == ("MINE_API_KEY",), "being like another is no leave to take its key"
    assert (mine.free_images, mine.notes) == (0, ())
    assert catalogue.model(V45, "mine").references.max == 10


def test_a_gateway_that_bills_in_another_currency_has_its_own_prices_alone() -> None:
    """What it is like has prices in dollars, which are none of what it asks: a plan of both could say no sum."""
    text = f"""
providers:
  euro:
    like: apiyi
    title: Euro
    bases: [https://gate.example/v1]
    models: {{{V45}: {{price: {{image: 0.05 EUR, date: 2027-01-02, source: a mail}}}}}}
"""
    catalogue = load_catalogue([("u", text.encode())])
    assert str(catalogue.price("euro", V45, 2048, 2048, 0)) == "0.05 EUR"
    assert {offer.price.currency for offer in catalogue.provider("euro").offers.values() if offer.price} == {"EUR"}
    assert currency_of(catalogue, "euro") == "EUR"
    with pytest.raises(UnknownPriceError):
        catalogue.price("euro", "seedream-4-0-250828", 2048, 2048, 0)


def test_null_takes_away_and_later_files_win() -> None:
    texts = [
        ("a", b"providers: {volcengine: ~, volcengine-plan: ~, byteplus-eu: ~}"),
        ("b", b"providers: {apiyi: {title: X}}"),
        ("c", b"providers: {apiyi: {title: Y}}"),
    ]
    catalogue = load_catalogue(texts)
    assert list(catalogue.providers) == ["apiyi", "byteplus"]
    assert catalogue.provider("apiyi").title == "Y"


def test_an_empty_user_file_changes_nothing() -> None:
    assert load("") == load_catalogue()


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("models: {a: {like: b}}", "there is no `b` to be like", "user.yaml:1:20"),
        ("modles: {}", "`modles` is not known here", "user.yaml:1:1"),
        ("providers:\n  apiyi:\n    titel: X", "`titel` is not known here", "user.yaml:3:5"),
        ("providers:\n  apiyi:\n    timeout: {first: soon}", "`soon` is not a number of seconds", "user.yaml:3:22"),
        ("providers: {apiyi: {bases: [ftp://x]}}", "`bases` has to be", "user.yaml:1:28"),
        (f"providers: {{apiyi: {{models: {{{V45}: {{price: {{image: cheap}}}}}}}}}}", "`cheap` is not an amount", None),
        (
            f"providers: {{apiyi: {{models: {{{V45}: {{price: {{image: 1 EUR, further_input: 1 USD}}}}}}}}}}",
            "one currency",
            None,
        ),
        (
            f"providers: {{apiyi: {{models: {{{V45}: {{price: {{image: 1 EUR}}}}}}}}}}",
            f"`apiyi` has other prices in USD, and that of `{V45}` is in EUR",
            "user.yaml:1:67",
        ),
        ("providers: {apiyi: {endpoints: {seedream-9: ep-1}}}", "no model of this provider is called", None),
        (f"providers: {{apiyi: {{endpoints: {{{V45}: {V45}}}}}}}", "is not an inference endpoint", None),
        ("providers: {byteplus: {endpoints: {4-5: ep-1, 4-0: ep-1}}}", "is a name of both", None),
        ("providers: {apiyi: {discount: {percent: 100, by: luck}}}", "`percent` is from 1 to 99", "user.yaml:1:41"),
        ("providers: {apiyi: {models: {nothing: {wire: x}}}}", "no model is called `nothing`", None),
        (f"models: {{{V45}: {{sizes: {{2K: {{1:1: 10x10}}}}}}}}", "needs 3,686,400", None),
        (f"models: {{{V45}: {{tiers: [8K]}}}}", "the tier `8K` has no sizes", None),
        (f"models: {{{V45}: {{aliases: ['4.0']}}}}", "is a name of both", None),
        (f"models: {{{V45}: {{status: fine}}}}", "`fine` is not one of `recommended`", None),
        (f"models: {{{V45}: {{features: [magic]}}}}", "magic", None),
        ("models: {a: 1}", "`a` has to be a mapping", "user.yaml:1:13"),
        ("- 1", "expected a mapping at the top", "user.yaml:1:1"),
        ("a: 1\na: 2", "`a` stands here twice", "user.yaml:2:1"),
        ("a: [", "", "user.yaml:2:1"),
        ("a: &a [*a]", "too deep", None),
        ("models: {x: {title: y}}", "is missing here", None),
        ("[" * 5000, "", None),
        ("\x00", "is not YAML", None),
    ],
)
def test_a_bad_user_file_is_refused_with_its_position(text: str, message: str, position: str | None) -> None:
    with pytest.raises(UsageError) as found:
        load(text)
    assert message in str(found.value)
    assert found.value.position is not None
    assert found.value.position.file == "user.yaml"
    if position is not None:
        assert str(found.value.position) == position


def test_a_typo_gets_the_nearest_key() -> None:
    with pytest.raises(CatalogueFault) as found:
        load("providers: {apiyi: {titel: X}}")
    assert found.value.hint == "did you mean `title`?"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        load_catalogue([("user.yaml", data)])
    except CatalogueFault:
        return
