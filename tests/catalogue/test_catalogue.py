"""The shipped facts, as the pages they come from have them, and the questions asked of them."""

import subprocess
import sys
from fractions import Fraction

import pytest

from seedpipe.catalogue.catalogue import (
    Catalogue,
    NotServedError,
    UnknownModelError,
    UnknownPriceError,
    UnknownProviderError,
    load_catalogue,
)
from seedpipe.catalogue.compare import compare
from seedpipe.catalogue.model import Feature, Mode, ModelStatus
from seedpipe.catalogue.provider import Discount
from seedpipe.errors import UsageError
from seedpipe.money import Money

LITE, V45, V40 = "seedream-5-0-260128", "seedream-4-5-251128", "seedream-4-0-250828"
PRO, FLASH, V30, EDIT = (
    "seedream-5-0-pro-260628",
    "seedream-5-0-flash-260915",
    "seedream-3-0-t2i-250415",
    "seededit-3-0-i2i-250628",
)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.mark.parametrize(
    ("name", "dated_id"),
    [
        (LITE, LITE),
        ("seedream-5-0-lite-260128", LITE),
        ("doubao-seedream-5-0-260128", LITE),
        ("doubao-seedream-5-0-lite-260128", LITE),
        ("doubao-seedream-5.0-lite", LITE),
        ("seedream-5-0", LITE),
        ("5.0", LITE),
        ("5.0 lite", LITE),
        ("seedream-4-5", V45),
        ("seedream-4.5", V45),
        ("4.5", V45),
        ("Seedream 4.5", V45),
        ("SEEDREAM_4_5", V45),
        ("doubao-seedream-4-5-251128", V45),
        ("4.0", V40),
        ("seedream-4", V40),
        ("dola-seedream-5-0-pro-260628", PRO),
        ("seedream-5-0-pro-260628", PRO),
        ("dola-seedream-5-0-flash-260915", FLASH),
        ("seedream-3-0-t2i", V30),
        ("doubao-seededit-3-0-i2i-250628", EDIT),
    ],
)
def test_every_spelling_is_one_dated_model(catalogue: Catalogue, name: str, dated_id: str) -> None:
    assert catalogue.model_id(name) == dated_id


def test_every_alias_and_wire_id_of_the_files_resolves(catalogue: Catalogue) -> None:
    for model in catalogue.models.values():
        assert {catalogue.model_id(name) for name in (model.id, *model.aliases)} == {model.id}
    for provider in catalogue.providers.values():
        for offer in provider.offers.values():
            assert {catalogue.model_id(name) for name in (offer.wire, *offer.also)} == {offer.model}


def test_an_unknown_model_gets_suggestions(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownModelError) as found:
        catalogue.model_id("seedream-4-6")
    assert str(found.value) == "no model is called `seedream-4-6`"
    assert f"`{V45}`" in (found.value.hint or "")
    with pytest.raises(UnknownModelError) as found:
        catalogue.model_id("dall-e")
    assert found.value.hint == "`seedpipe models` lists them all"


def test_an_endpoint_id_is_told_the_way(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownModelError, match="inference endpoint") as found:
        catalogue.model_id("ep-20260101-abcde")
    assert "`endpoints: {seedream-4-5: ep-20260101-abcde}`" in (found.value.hint or "")
    for said in ("endpoints: {seedream-4.5: ep-20260101-abcde}", f"models: {{{V45}: {{wire: ep-20260101-abcde}}}}"):
        mapped = load_catalogue([("user.yaml", f"providers: {{byteplus: {{{said}}}}}".encode())])
        assert mapped.model_id("ep-20260101-abcde") == V45
        assert mapped.wire_id(V45, "byteplus") == "ep-20260101-abcde"
        assert mapped.model_id("seedream-4-5-251128") == V45, "its own name stays"


@pytest.mark.parametrize(
    ("provider", "dated_id", "wire"),
    [
        ("apiyi", LITE, "seedream-5-0-260128"),
        ("apiyi", PRO, "seedream-5-0-pro-260628"),
        ("byteplus", PRO, "dola-seedream-5-0-pro-260628"),
        ("byteplus", V40, "seedream-4-0-250828"),
        ("volcengine", V40, "doubao-seedream-4-0-250828"),
    ],
)
def test_wire_ids(catalogue: Catalogue, provider: str, dated_id: str, wire: str) -> None:
    assert catalogue.wire_id(dated_id, provider) == wire


def test_the_overview_table(catalogue: Catalogue) -> None:
    lite, v45, v40 = (catalogue.model(dated_id, "apiyi") for dated_id in (LITE, V45, V40))
    assert (lite.tiers, v45.tiers, v40.tiers) == (("2K", "3K"), ("2K", "4K"), ("1K", "2K", "4K"))
    assert (lite.released, v45.released, v40.released) == ("2026-01-28", "2025-11-28", "2025-08-28")
    assert set(lite.output_formats) == {"png", "jpeg"}
    assert v45.output_formats == v40.output_formats == ("jpeg",)
    assert lite.sends_output_format and not v45.sends_output_format and not v40.sends_output_format
    assert lite.optimize_modes == v45.optimize_modes == ("standard",)
    assert v40.optimize_modes == ("standard", "fast")
    for model in (lite, v45, v40):
        assert model.modes == set(Mode)
        assert model.references.max == 10
        assert model.references.total == 15
        assert model.images_per_minute == 500
        assert model.default_size == "2048x2048"
        assert model.default_tier == "2K"
        assert (model.aspect.min, model.aspect.max) == (Fraction(1, 16), Fraction(16))
    assert (lite.status, v45.status, v40.status) == (
        ModelStatus.RECOMMENDED,
        ModelStatus.RECOMMENDED,
        ModelStatus.MAINTAINED,
    )


def test_the_pixel_floors_are_the_stricter_truth(catalogue: Catalogue) -> None:
    floors = {dated_id: catalogue.model(dated_id).pixels.min for dated_id in (LITE, V45, V40, PRO, FLASH, V30)}
    assert floors == {LITE: 3_686_400, V45: 3_686_400, V40: 921_600, PRO: 921_600, FLASH: 921_600, V30: 262_144}
    assert catalogue.model(V40).pixels.max == 4096 * 4096


def test_4k_of_5_0_lite_depends_on_the_provider(catalogue: Catalogue) -> None:
    assert catalogue.model(LITE, "apiyi").tier_faults("4K")
    assert catalogue.model(LITE, "apiyi").size_faults(4096, 4096)
    for provider in ("byteplus", "volcengine"):
        assert catalogue.model(LITE, provider).tier_faults("4k") == ()
        assert catalogue.model(LITE, provider).size_faults(4096, 4096) == ()
        assert catalogue.model(LITE, provider).references.max == 14
    assert catalogue.model(LITE, "volcengine").has(Feature.WEB_SEARCH)
    assert not catalogue.model(LITE, "byteplus").has(Feature.WEB_SEARCH)


@pytest.mark.parametrize(
    ("dated_id", "tier", "aspect", "size"),
    [
        (V45, "2K", "16:9", (2848, 1600)),
        (V45, "2k", "9:16", (1600, 2848)),
        (V45, "2K", "21:9", (3136, 1344)),
        (V45, "2K", None, (2048, 2048)),
        (V45, "4K", "16:9", (5504, 3040)),
        (V45, "4K", "21:9", (6240, 2656)),
        (LITE, "3K", "3:2", (3744, 2496)),
        (V40, "1K", "16:9", (1280, 720)),
        (V40, "1K", "21:9", (1512, 648)),
        (PRO, "1.5K", "4:3", (1792, 1344)),
        (PRO, "2K", "16:9", (2816, 1584)),
        (FLASH, "1K", "16:9", (1424, 800)),
        (V45, "2K", "32:18", (2848, 1600)),  # equal aspects are one
        (V45, "2K", "7:3", (3136, 1344)),
    ],
)
def test_tier_and_aspect_give_the_table_pixels(
    catalogue: Catalogue, dated_id: str, tier: str, aspect: str | None, size: tuple[int, int]
) -> None:
    assert catalogue.size_for(catalogue.model(dated_id), tier, aspect) == size


def test_every_size_of_every_table_is_taken_by_its_model(catalogue: Catalogue) -> None:
    count = 0
    for model in catalogue.served.values():
        for tier in model.tiers:
            for aspect in model.aspects(tier):
                assert model.size_faults(*model.size_for(tier, aspect)) == ()
                count += 1
    assert count > 200


def test_a_size_that_cannot_be_says_so(catalogue: Catalogue) -> None:
    with pytest.raises(UsageError, match="has no tier `1K`"):
        catalogue.size_for(catalogue.model(V45, "apiyi"), "1K", "1:1")
    with pytest.raises(UsageError, match=r"write the size in pixels, like `\d+x\d+`"):
        catalogue.size_for(catalogue.model(V45, "apiyi"), "2K", "5:4")


@pytest.mark.parametrize(
    ("provider", "dated_id", "size", "inputs", "outputs", "money"),
    [
        ("apiyi", LITE, (2048, 2048), 0, 1, "0.035 USD"),
        ("apiyi", V45, (4096, 4096), 10, 1, "0.04 USD"),
        ("apiyi", V40, (1024, 1024), 0, 15, "0.45 USD"),
        ("apiyi", PRO, (2048, 2048), 3, 1, "0.12 USD"),
        ("byteplus", PRO, (2352, 1008), 0, 1, "0.045 USD"),
        ("byteplus", PRO, (1536, 1536), 1, 1, "0.045 USD"),
        ("byteplus", PRO, (1536, 1536), 2, 1, "0.048 USD"),
        ("byteplus", PRO, (2048, 2048), 10, 1, "0.117 USD"),
        ("byteplus", PRO, (2610, 1000), 0, 1, "0.045 USD"),
        ("byteplus", PRO, (2611, 1000), 0, 1, "0.09 USD"),
        ("byteplus", FLASH, (2048, 2048), 4, 1, "0.018 USD"),
        ("volcengine", V45, (2048, 2048), 0, 1, "0.25 CNY"),
        ("volcengine", PRO, (2048, 2048), 2, 1, "0.62 CNY"),
    ],
)
def test_prices(
    catalogue: Catalogue,
    provider: str,
    dated_id: str,
    size: tuple[int, int],
    inputs: int,
    outputs: int,
    money: str,
) -> None:
    assert catalogue.price(provider, dated_id, *size, inputs, outputs) == Money.parse(money)


def test_what_is_shown_beside_the_price_but_never_counted(catalogue: Catalogue) -> None:
    estimates = [catalogue.list_price("apiyi", dated_id).estimate for dated_id in (LITE, V45, V40)]
    assert [str(estimate) for estimate in estimates] == ["0.245 CNY", "0.28 CNY", "0.21 CNY"]
    assert catalogue.provider("apiyi").free_images == 200
    assert catalogue.provider("apiyi").discount == Discount(percent=20, by="top-up bonuses")
    assert all(offer.price.date for p in catalogue.providers.values() for offer in p.offers.values() if offer.price)


def test_a_price_nobody_knows_is_no_price(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownPriceError, match="is not known"):
        catalogue.price("volcengine", FLASH, 2048, 2048, 0)


def test_providers(catalogue: Catalogue) -> None:
    apiyi, byteplus, volc = (catalogue.provider(name) for name in ("apiyi", "byteplus", "volcengine"))
    assert apiyi.base_url == "https://api.apiyi.com/v1"
    assert byteplus.base_url == "https://ark.ap-southeast.bytepluses.com/api/v3"
    assert volc.base_url == "https://ark.cn-beijing.volces.com/api/v3"
    assert apiyi.key_variables == ("APIYI_API_KEY",)
    assert byteplus.key_variables == ("BYTEPLUS_API_KEY", "ARK_API_KEY")
    assert volc.key_variables == ("VOLCENGINE_API_KEY", "ARK_API_KEY")
    assert "api.apiyi.com" in apiyi.hosts
    assert 403 in apiyi.blocked_statuses and not byteplus.blocked_statuses
    assert "InternalServiceError" in apiyi.unbilled_errors and not byteplus.unbilled_errors
    with pytest.raises(UnknownProviderError) as found:
        catalogue.provider("apiyy")
    assert "`apiyi`" in (found.value.hint or "")


def test_regions_and_plans_are_providers_of_their_own(catalogue: Catalogue) -> None:
    dublin, plan = catalogue.provider("byteplus-eu"), catalogue.provider("volcengine-plan")
    assert dublin.base_url == "https://ark.eu-west.bytepluses.com/api/v3"
    assert dublin.key_variables[0] == "BYTEPLUS_EU_API_KEY"
    assert catalogue.wire_id(V45, "byteplus-eu") == V45
    assert plan.base_url == "https://ark.cn-beijing.volces.com/api/plan/v3"
    assert plan.key_variables == ("VOLCENGINE_PLAN_API_KEY",)
    assert list(plan.offers) == [LITE]
    assert catalogue.wire_id(LITE, "volcengine-plan") == "doubao-seedream-5.0-lite"


@pytest.mark.parametrize(
    ("url", "owner"),
    [
        ("https://api.apiyi.com/v1", "apiyi"),
        ("https://vip.apiyi.com/v1/", "apiyi"),
        ("https://API-CF.apiyi.com/v1", "apiyi"),
        ("http://api.apiyi.com/v1", None),
        ("https://api.apiyi.com:8443/v1", None),
        ("https://api.apiyi.com.evil.example/v1", None),
        ("https://ark.eu-west.bytepluses.com/api/v3", "byteplus-eu"),
        ("https://ark.cn-beijing.volces.com/api/v3", "volcengine"),
        ("https://ark.cn-beijing.volces.com/api/plan/v3", "volcengine-plan"),
        ("http://127.0.0.1:8787/v1", None),
    ],
)
def test_whose_an_address_is(catalogue: Catalogue, url: str, owner: str | None) -> None:
    found = catalogue.owner_of(url)
    assert (found.id if found else None) == owner


def test_the_timeout_formula(catalogue: Catalogue) -> None:
    apiyi = catalogue.provider("apiyi")
    assert [apiyi.timeout(images) for images in (0, 1, 2, 15)] == [300, 300, 340, 860]
    low = load_catalogue([("u.yaml", b"providers: {apiyi: {timeout: {first: 5, further: 1}}}")]).provider("apiyi")
    assert low.timeout(1) == 60


def test_a_model_the_provider_does_not_serve(catalogue: Catalogue) -> None:
    with pytest.raises(NotServedError) as found:
        catalogue.model(FLASH, "apiyi")
    assert found.value.hint == "served by `byteplus`, `volcengine`, `byteplus-eu`"


def test_the_comparison_has_a_row_for_each_model_newest_first(catalogue: Catalogue) -> None:
    rows = compare(catalogue, "apiyi")
    assert [row.model.id for row in rows] == [PRO, LITE, V45, V40]
    assert [row.name for row in rows] == ["seedream-5-0-pro", "seedream-5-0", "seedream-4-5", "seedream-4-0"]
    assert [row.most_frames for row in rows] == [None, 15, 15, 15]
    unknown = {row.model.id: row.offer.price for row in compare(catalogue, "volcengine")}[FLASH]
    assert unknown is None


def test_loading_is_cached_and_imports_nothing_heavy(catalogue: Catalogue) -> None:
    assert load_catalogue() is catalogue
    code = (
        "import sys; from seedpipe.catalogue.catalogue import load_catalogue; load_catalogue();"
        "print([n for n in ('pydantic','httpx','networkx','jinja2','asyncio') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
