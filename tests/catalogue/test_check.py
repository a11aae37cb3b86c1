"""What the service would refuse after is said before, with the models that can do it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.catalogue.catalogue import Catalogue, Model, load_catalogue
from seedpipe.catalogue.check import check
from seedpipe.catalogue.sizes import PixelRange, near_size, parse_pixels, parse_ratio
from seedpipe.errors import Severity

V45, V40, LITE = "seedream-4-5-251128", "seedream-4-0-250828", "seedream-5-0-260128"
PRO, V30, EDIT = "seedream-5-0-pro-260628", "seedream-3-0-t2i-250415", "seededit-3-0-i2i-250628"


def model(dated_id: str, provider: str = "apiyi") -> Model:
    return load_catalogue().model(dated_id, provider)


def only(findings: tuple[object, ...]) -> str:
    assert len(findings) == 1
    return str(getattr(findings[0], "message", findings[0]))


def test_a_plain_request_has_no_findings() -> None:
    assert check(model(V45), size="2K", aspect="16:9", references=2, prompt="a lamp") == ()
    assert check(model(V45)) == ()


@pytest.mark.parametrize("size", ["1920x1080", "1080x1920", "1024x1024"])
def test_sizes_that_the_overview_calls_valid_and_4_5_refuses(size: str) -> None:
    words = only(check(model(V45), size=size))
    assert "needs 3,686,400 at least" in words
    assert f"`{V40}`" in words and "can" in words
    assert check(model(V40), size=size) == ()


def test_the_floor_itself_is_taken() -> None:
    assert check(model(V45), size="2560x1440") == ()
    assert check(model(V45), size="2559x1440") != ()


def test_the_overviews_invalid_examples() -> None:
    assert "makes 16,777,216 at most" in only(check(model(V40), size="5000x5000"))
    assert "needs 921,600 at least" in only(check(model(V40), size="100x1600"))  # its aspect, 1/16, is in range


def test_an_aspect_out_of_range() -> None:
    found = [finding.message for finding in check(model(V40), size="500x8200")]
    assert found == ["`500x8200` has the aspect 5:82, `seedream-4-0-250828` takes 1:16 to 16:1"]
    assert "outside" in only(check(model(V45), size="2K", aspect="17:1"))


def test_tiers() -> None:
    words = only(check(model(V45), size="1K"))
    assert words.startswith(f"`{V45}` has no tier `1K`, only 2K, 4K;") and f"`{V40}`" in words
    assert f"`{LITE}` can" in only(check(model(V45), size="3K"))
    assert only(check(model(V45), size="adaptive")).startswith(f"`{V45}` has no tier `adaptive`")
    assert "says the aspect already" in only(check(model(V45), size="2560x1440", aspect="16:9"))
    assert "takes exact sizes (1024x1024" in only(model(V30, "byteplus").tier_faults("1K"))


def test_references() -> None:
    assert "11 references" in only(check(model(V45), references=11))
    assert check(model(V45, "byteplus"), references=14) == ()
    assert "takes 14 at most" in only(check(model(V45, "byteplus"), references=15))
    assert "ask for 5 pictures at most" in only(check(model(V45), references=10, outputs=6))
    assert check(model(V45), references=10, outputs=5) == ()
    assert "takes no reference images" in only(model(V30, "byteplus").reference_faults(1))
    assert any("only edits" in f.message for f in check(model(EDIT, "byteplus"), size=None))


def test_formats_optimisation_and_web_search() -> None:
    words = only(check(model(V45), output_format="png"))
    assert f"`{LITE}`" in words and "convert" in words
    assert check(model(V45), output_format="jpeg") == ()
    assert check(model(LITE), output_format="png") == ()
    assert "not `webp`" in only(check(model(LITE), output_format="webp"))
    assert f"`{V40}`" in only(check(model(V45), optimize_prompt="fast"))
    assert check(model(V40), optimize_prompt="fast") == ()
    assert "no `web_search`" in only(check(model(LITE), web_search=True))
    assert check(model(LITE, "volcengine"), web_search=True) == ()


def test_what_the_service_ignores_is_refused() -> None:
    """It would be another picture in every key, and the same to the service."""
    findings = check(model(V45), seed=7, guidance_scale="2.5")
    assert [(f.field, f.severity) for f in findings] == [("seed", Severity.ERROR), ("guidance_scale", Severity.ERROR)]
    assert findings[0].message == (
        "`seedream-4-5-251128` has no `seed` here; no model of this provider can, at `byteplus` `seedream-3-0-t2i-250415` can"
    )
    taken = check(model(V30, "byteplus"), size="1024x1024", seed=7, guidance_scale="2.5")
    assert {f.field for f in taken} == {"model"}  # retiring
    for scale in ("11", "0.5", "1e1", "nan", "-2"):
        assert check(model(V30, "byteplus"), guidance_scale=scale)[-1].severity is Severity.ERROR
    assert check(model(V30, "byteplus"), seed=2**31)[-1].field == "seed"
    assert check(model(V30, "byteplus"), aspect="16:9") == taken[:1], "a model without tiers has sizes by aspect too"


def test_transparency() -> None:
    assert "no `background`" in only(check(model(V45), background="transparent"))
    assert "exactly one reference" in only(check(model(PRO), background="transparent", output_format="png"))
    assert "output_format: png" in only(check(model(PRO), background="transparent", references=1))
    assert check(model(PRO), background="transparent", references=1, output_format="png") == ()
    assert check(model(V45), background="opaque") == ()
    assert "neither" in only(check(model(PRO), background="pink"))


def test_long_prompts_get_advice() -> None:
    findings = check(model(V45), prompt="word " * 601)
    assert findings[0].severity is Severity.WARNING and "601 words" in findings[0].message
    assert "301" in check(model(V45), prompt="灯" * 301)[0].message
    assert check(model(V45), prompt="word " * 600) == ()


def test_a_model_that_was_shut_down() -> None:
    words = check(model(EDIT, "byteplus"), references=1)[0].message
    assert "was shut down" in words and f"`{LITE}`" in words


def test_no_sentence_recommends_a_model_that_was_shut_down() -> None:
    assert EDIT not in only(model(V30, "byteplus").reference_faults(1))


def test_a_reference_file() -> None:
    limits = model(V45).references
    assert limits.faults(format="JPEG", size_bytes=10_000_000, width=2000, height=3000) == ()
    assert "heic" in only(limits.faults(format="heic", size_bytes=1000, width=200, height=300))
    assert "10,000,000 at most" in only(limits.faults(format="png", size_bytes=10_000_001, width=99, height=99))
    assert "36,000,000 at most" in only(limits.faults(format="png", size_bytes=1, width=6001, height=6000))
    assert "at least 15" in only(limits.faults(format="png", size_bytes=1, width=14, height=30))
    assert "outside 1:16 to 16:1" in only(limits.faults(format="png", size_bytes=1, width=1700, height=100))
    assert model(V45, "byteplus").references.faults(format="heic", size_bytes=30_000_000, width=99, height=99) == ()


sides = st.integers(min_value=1, max_value=20_000)


@given(width=sides, height=sides)
def test_size_faults_are_exactly_the_rule(width: int, height: int) -> None:
    for dated_id in (V45, V40, LITE):
        it = model(dated_id)
        legal = it.pixels.min <= width * height <= it.pixels.max and width <= 16 * height and height <= 16 * width
        assert (it.size_faults(width, height) == ()) is legal


@given(
    width=st.integers(min_value=1, max_value=16),
    height=st.integers(min_value=1, max_value=16),
    pixels=st.integers(min_value=1, max_value=30_000_000),
)
def test_a_suggested_size_is_one_that_is_taken(width: int, height: int, pixels: int) -> None:
    allowed = PixelRange(min=3_686_400, max=16_777_216)
    suggested = near_size(pixels, parse_ratio(f"{width}:{height}"), allowed)
    assert suggested[0] * suggested[1] in allowed
    assert model(V45).size_faults(*suggested) == () or width * 16 == height or height * 16 == width


@given(st.text(max_size=12))
def test_reading_a_size_never_crashes(text: str) -> None:
    size = parse_pixels(text)
    assert size is None or all(side > 0 for side in size)
    check(model(V45), size=text, aspect=text)


def test_catalogue_is_a_value() -> None:
    assert isinstance(load_catalogue(), Catalogue)


def test_a_model_without_tiers_has_an_aspect_too() -> None:
    old = model(V30, "byteplus")
    assert check(old, aspect="16:9")[1:] == ()  # the first says that it is being retired
    assert old.size_for("exact", "16:9") == (1280, 720)
    assert "not among the recommended aspects" in check(old, aspect="5:4")[1].message
    assert "has no tiers like `2K`" in check(old, size="2K", aspect="16:9")[1].message
    assert "has no tier `exact`" in model(V45).tier_faults("exact")[0]
