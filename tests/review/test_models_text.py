"""What people read of the catalogue: the table, a model whole, the same model everywhere; and the JSON for programs."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.catalogue.compare import cheapest, compare, terms
from seedpipe.catalogue.provider import Discount
from seedpipe.cli import main
from seedpipe.display import PLAIN, Style, display_width, without_colors
from seedpipe.money import Money
from seedpipe.review.models_text import model_text, models_text, offers_text

CATALOGUE = load_catalogue()
APIYI = """\
APIYI · apiyi · https://api.apiyi.com/v1

  model             USD    tiers       formats   refs  batch  status
  seedream-5-0-pro  0.12   1K 1.5K 2K  jpeg png    10      –  available
  seedream-5-0      0.035  2K 3K       jpeg png    10     15  recommended
  seedream-4-5      0.04   2K 4K       jpeg        10     15  recommended
  seedream-4-0      0.03   1K 2K 4K    jpeg        10     15  maintained

  the cheapest for
    seedream-5-0-pro  1.5K, layers, transparency
    seedream-4-0      1K, 4K, batches, fast prompts
    seedream-5-0      3K, png

  USD is the list price of a picture (APIYI's documents, APIYI's overview of
  Seedream; read 2026-10-08)
  shown and never counted: up to 20 % less by top-up bonuses; 200 free images
  once, at the first onboarding"""


def listed(provider: str, width: int = 80, style: Style = PLAIN) -> str:
    return models_text(CATALOGUE.provider(provider), compare(CATALOGUE, provider), width=width, style=style)


def page(provider: str, name: str, width: int = 80, style: Style = PLAIN) -> str:
    found = CATALOGUE.provider(provider)
    elsewhere = [
        (one, row) for one in CATALOGUE.providers.values() for row in compare(CATALOGUE, one.id) if row.name == name
    ]
    [row] = [row for one, row in elsewhere if one is found]
    return model_text(row, found, elsewhere, width=width, style=style)


def test_the_table_in_eighty_columns() -> None:
    assert listed("apiyi") == APIYI


def test_a_wider_terminal_has_more_columns() -> None:
    head = listed("apiyi", 160).splitlines()[2].split()
    assert head[7:] == ["estimate", "megapixels", "s", "released", "also"]
    assert "≈ 0.28 CNY   3.7–16.8    15  2025-11-28  streams" in listed("apiyi", 160)
    assert "estimate" not in listed("byteplus", 160), "nobody gives one"


@given(
    provider=st.sampled_from(sorted(CATALOGUE.providers)),
    width=st.integers(48, 200),
    style=st.sampled_from([PLAIN, Style(True)]),
)
def test_no_line_is_too_wide(provider: str, width: int, style: Style) -> None:
    everywhere = [(CATALOGUE.provider(provider), row) for row in compare(CATALOGUE, provider)]
    texts = [listed(provider, width, style), offers_text(everywhere, width=width, style=style)]
    texts += [page(provider, row.name, width, style) for _, row in everywhere]
    for text in texts:
        assert max(display_width(line) for line in text.splitlines()) <= width
        assert text == without_colors(text) or style.color


def test_one_model_says_everything_that_decides() -> None:
    told = " ".join(page("byteplus", "seedream-5-0-pro").split())
    assert "0.045 USD a picture, 0.09 above 2.61 megapixels, 0.003 for each reference after the first" in told
    assert "layers 0.0225–0.045 each (BytePlus' documents revision 265, read 2026-10-08)" in told
    assert "sent as dola-seedream-5-0-pro-260628" in told
    assert "can also fast prompts, transparency, layers" in told
    assert "16:9 2816x1584" in told
    assert "volcengine 0.30–0.60 CNY 1K 1.5K 2K 10 doubao-seedream-5-0-pro-260628" in told
    told = " ".join(page("apiyi", "seedream-4-5").split())
    assert "shown and never counted: ≈ 0.28 CNY, 0.032 USD with all of top-up bonuses (20 %)" in told


def test_a_price_nobody_knows_is_said() -> None:
    assert "seedream-5-0-flash  ?" in listed("volcengine")
    assert "what no price is known of can't be bought until your own file has one" in " ".join(
        listed("volcengine").split()
    )
    assert "it can't be bought until your own catalogue file has one" in " ".join(
        page("volcengine", "seedream-5-0-flash").split()
    )


def test_the_cheapest_is_by_what_it_costs_to_use_the_ability() -> None:
    """At 2K the pro model costs 0.09, at 1K 0.045."""
    names = {ability: row.name for ability, row in cheapest(compare(CATALOGUE, "byteplus")).items()}
    assert (names["2K"], names["3K"], names["4K"]) == ("seedream-5-0-flash", "seedream-5-0", "seedream-4-0")
    assert names["png"] == names["transparency"] == "seedream-5-0-flash"
    assert "guidance scale" in names
    assert "web search" not in names
    assert {ability: row.name for ability, row in cheapest(compare(CATALOGUE, "volcengine")).items()}["web search"] == (
        "seedream-5-0"
    )
    assert "jpeg" not in names, "every model can"


@pytest.mark.parametrize(
    ("price", "percent", "lowest"), [("0.04", 20, "0.032"), ("0.035", 20, "0.028"), ("0.000001", 50, "0.000001")]
)
def test_a_discount_is_rounded_against_the_hope(price: str, percent: int, lowest: str) -> None:
    found = Discount(percent=percent, by="x").lowest(Money.parse(f"{price} USD"))
    assert found == Money.parse(f"{lowest} USD")


def test_what_may_make_it_cheaper() -> None:
    assert terms(CATALOGUE.provider("apiyi")) == (
        "up to 20 % less by top-up bonuses",
        "200 free images once, at the first onboarding",
    )
    assert terms(CATALOGUE.provider("volcengine")) == ()


def test_json_has_a_stable_form(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "5.0-pro", "--provider", "byteplus", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    [provider] = document.pop("providers")
    assert document == {"seedpipe_models": 1}
    [model] = provider.pop("models")
    assert provider == {
        "id": "byteplus",
        "title": "BytePlus ModelArk, Johor",
        "base_url": "https://ark.ap-southeast.bytepluses.com/api/v3",
        "key_variables": ["BYTEPLUS_API_KEY", "ARK_API_KEY"],
        "discount": None,
        "free_images": 200,
        "notes": [],
    }
    assert model.pop("sizes")["1.5K"]["16:9"] == "2048x1152"
    assert model == {
        "id": "seedream-5-0-pro-260628",
        "name": "seedream-5-0-pro",
        "title": "Seedream 5.0 pro",
        "status": "available",
        "released": "2026-06-28",
        "aliases": ["seedream-5-0-pro", "seedream-5-pro", "5-0-pro"],
        "wire": "dola-seedream-5-0-pro-260628",
        "price": {
            "currency": "USD",
            "image": "0.045",
            "above": {"pixels": 2610000, "image": "0.09"},
            "further_input": "0.003",
            "layer": "0.0225",
            "layer_above": "0.045",
            "date": "2026-10-08",
            "source": "BytePlus' documents revision 265",
        },
        "tiers": ["1K", "1.5K", "2K"],
        "default_size": "2048x2048",
        "pixels": {"min": 921600, "max": 4624220},
        "aspect": {"min": "1:16", "max": "16:1"},
        "formats": ["jpeg", "png"],
        "modes": ["text-to-image", "edit", "fusion"],
        "optimize_prompt": ["standard", "fast"],
        "features": ["background", "layers"],
        "references": {
            "max": 10,
            "total": 15,
            "formats": ["jpeg", "png", "webp", "bmp", "tiff", "gif", "heic", "heif"],
            "max_bytes": 30000000,
        },
        "prompt": {"words": 600, "characters": 300},
        "seconds_per_image": 43.0,
        "images_per_minute": 500,
        "notes": ["input images after the first are billed where the provider says so"],
    }


def test_all_providers_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--provider", "all", "--json"]) == 0
    providers = {one["id"]: one for one in json.loads(capsys.readouterr().out)["providers"]}
    assert list(providers) == list(CATALOGUE.providers)
    assert providers["apiyi"]["discount"] == {"percent": 20, "by": "top-up bonuses"}
    assert [model["price"] for model in providers["volcengine"]["models"] if model["name"] == "seedream-5-0-flash"] == [
        None
    ]
    assert main(["models", "--provider", "all", "4.0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["seedream-4-0", "apiyi"], ["byteplus", "0.03"]]


def test_names_that_are_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["models", "seedream-9"]) == 2
    assert main(["models", "5.0-flash"]) == 2
    assert "`apiyi` does not serve `seedream-5-0-flash-260915`" in capsys.readouterr().err
    assert main(["models", "--provider", "nobody"]) == 2
