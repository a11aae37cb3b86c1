"""A picture that the service takes apart: a ground and its layers, from one request, each a picture of its own."""

import json

import pytest
from PIL import Image

from seedpipe.emulator.layers import layer_count
from tests.sessions.conftest import Account
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

PROJECT = """\
seedpipe: 1
project: shop
provider: byteplus
defaults: {model: seedream-5-0-pro, size: 1K, aspect: 16:9}
images:
  poster: {file: poster.png}
  parts:
    layers: poster
    prompt: "Take {{ refs.poster }} apart into 3 layers"
  card: {from: "parts#base", steps: [{overlay: {image: "parts#1", width: 40%}}, {resize: 64x}]}
"""


@pytest.fixture
def shop(workspace: Workspace, account: Account) -> Workspace:
    """BytePlus' address at the emulator: the only provider whose price of a layer is known."""
    workspace.environ["SEEDPIPE_BASE_URL"] = account.service.base_url.replace("/v1", "/api/v3")
    workspace.write("seedpipe.yaml", PROJECT)
    Image.new("RGB", (1424, 800), (120, 80, 20)).save(workspace.folder / "poster.png")
    return workspace


def nodes(workspace: Workspace, *arguments: str) -> dict[str, dict[str, object]]:
    return {node["address"]: node for node in workspace.run("plan", "--json", *arguments).json["nodes"]}


def test_the_whole_way(shop: Workspace, account: Account) -> None:
    plan = shop.run("plan", "--json").json
    assert plan["cost"] == {"low": "0.0225 USD", "expected": "0.3825 USD", "high": "0.3825 USD"}
    assert plan["pictures"] == 17, "as many as may come"
    ran = shop.run("build", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 3), ran.err
    assert dict(ran.json["result"]["counts"]) == {"absent": 14, "derived": 1, "made": 3}
    assert "parts: came apart into 3 pictures: ground, subject, foreground" in ran.err
    [sent] = account.requests
    assert (sent["layers"], sent["billed_images"], sent["size"]) == (True, 3, "1k")
    files = sorted(path.name for path in (shop.folder / "build/@proof/parts").iterdir())
    assert files == ["1.png", "2.png", "base.png"]
    with Image.open(shop.folder / "build/@proof/parts/1.png") as layer:
        assert (layer.format, layer.mode) == ("PNG", "RGBA")
    assert (shop.folder / "build/@proof/card.png").exists()

    ran = shop.run("build")
    assert (ran.code, len(account.requests)) == (0, 1), "fewer layers than there may be is complete"
    states = shop.plan()
    assert set(states.values()) == {"cached"}
    assert "the service made 3, which is complete" in shop.run("explain", "parts#7").out


def test_what_the_service_says_of_a_layer_is_kept_and_shown(shop: Workspace, account: Account) -> None:
    assert shop.run("build").code == 0
    told = shop.run("explain", "parts#1").out
    assert "1 above the ground, of poster" in told
    assert "subject: subject of the picture, layer 1" in told
    assert "(z-index 1)" in told
    assert "the ground, of poster" in shop.run("explain", "parts#base").out
    layer = shop.run("explain", "parts#1", "--json").json["nodes"][0]["layer"]
    left, top, right, bottom = layer["box"]
    assert f"from {left},{top} to {right},{bottom} of the whole (z-index 1)" in told
    with Image.open(shop.folder / "build/@proof/parts/1.png") as picture:
        assert picture.size == (right - left, bottom - top)
    assert layer["normalized"] == [28, 27, 972, 973]
    index = next(path for path in (shop.folder.parent).rglob("takes/cache.db"))
    index.write_bytes(b"")
    assert shop.run("doctor", "--repair").code == 0
    assert "subject of the picture" in shop.run("explain", "parts#1").out, "the journal has it too"


def test_a_refused_layer_refuses_all_and_costs_nothing(shop: Workspace, account: Account) -> None:
    account.faults({"do": "moderate-output", "index": 2})
    assert shop.run("build").code == 5
    assert account.requests[0]["billed_images"] == 0
    states = shop.plan()
    assert {state for address, state in states.items() if address.startswith("parts#")} == {"blocked"}
    account.faults()
    assert shop.run("build").code == 5
    assert shop.run("build", "--retry-blocked").code == 0
    assert [one["billed_images"] for one in account.requests] == [0, 3]


def test_naming_or_excluding_one_layer_means_all_of_them(shop: Workspace, account: Account) -> None:
    """One request brings and bills them all, so a plan that says less would lie."""
    assert len([address for address in nodes(shop, "parts#2") if address.startswith("parts#")]) == 17
    assert shop.run("plan", "parts#2", "--json").json["cost"]["high"] == "0.3825 USD"
    assert shop.run("build", "parts#2").code == 0
    assert account.requests[0]["billed_images"] == 3
    shop.edit("seedpipe.yaml", "Take", "Please take")
    assert shop.run("plan", "--json", "--exclude", "parts#2").json["cost"]["high"] == "0.3825 USD"
    assert shop.run("plan", "--json", "--exclude", "parts").json["cost"]["high"] == "0.00 USD"


def test_a_pinned_layer_stays_and_its_successor_is_paid_all_the_same(shop: Workspace, account: Account) -> None:
    assert shop.run("build").code == 0
    assert shop.run("pin", "parts#1").code == 0
    shop.edit("seedpipe.yaml", "into 3", "into 4")
    plan = shop.run("plan", "--json").json
    states = {node["address"]: node["state"] for node in plan["nodes"]}
    assert (states["parts#1"], states["parts#2"]) == ("pinned", "make")
    assert (plan["pictures"], plan["cost"]["high"]) == (17, "0.3825 USD")
    ran = shop.run("build", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 4), ran.err
    assert shop.plan()["parts#1"] == "pinned"
    assert shop.run("build").code == 0
    assert len(account.requests) == 2


def test_a_persons_file_in_the_way_of_one_layer_keeps_all_from_being_bought(shop: Workspace, account: Account) -> None:
    for folder in ("build", "build/@proof"):
        shop.write(f"{folder}/parts/2.png", "mine")
    states = shop.plan()
    assert (states["parts#2"], states["parts#base"], states["card"]) == ("edited", "blocked", "blocked")
    assert shop.run("build").code == 1
    assert account.requests == []


def test_the_file_of_a_layer_that_there_is_no_longer_is_taken_away(shop: Workspace, account: Account) -> None:
    assert shop.run("build").code == 0
    shop.write("build/@proof/parts/1.png", "mine")
    shop.edit("seedpipe.yaml", "into 3", "into 2")
    assert shop.run("build").code == 1, "what a person changed is left alone"
    assert [one["billed_images"] for one in account.requests] == [3]
    (shop.folder / "build/@proof/parts/1.png").unlink()
    ran = shop.run("build")
    assert ran.code == 0
    assert "parts#2: there is no such picture any more: build/@proof/parts/2.png is taken away" in ran.err
    assert sorted(path.name for path in (shop.folder / "build/@proof/parts").iterdir()) == ["1.png", "base.png"]
    assert set(shop.plan().values()) == {"cached"}
    shop.edit("seedpipe.yaml", "into 2", "into 3")
    assert shop.run("build").code == 0, "its take is still there"
    assert sorted(path.name for path in (shop.folder / "build/@proof/parts").iterdir()) == [
        "1.png",
        "2.png",
        "base.png",
    ]
    assert len(account.requests) == 2


def test_a_picture_in_the_answer_comes_apart_as_well(shop: Workspace, account: Account) -> None:
    shop.edit("seedpipe.yaml", "layers: poster", "layers: poster\n    response_format: b64_json")
    assert shop.run("build").code == 0
    assert account.requests[0]["inline"] is True
    assert "subject: subject of the picture, layer 1" in shop.run("explain", "parts#1").out


def test_the_layers_of_another_name_cost_nothing(shop: Workspace, account: Account) -> None:
    assert shop.run("build").code == 0
    shop.edit("seedpipe.yaml", "  parts:", "  pieces:")
    shop.edit("seedpipe.yaml", '"parts#base"', '"pieces#base"')
    shop.edit("seedpipe.yaml", '"parts#1"', '"pieces#1"')
    plan = shop.run("plan", "--json").json
    assert plan["pictures"] == 0
    assert shop.run("build").code == 0
    assert len(account.requests) == 1
    assert sorted(path.name for path in (shop.folder / "build/@proof/pieces").iterdir()) == [
        "1.png",
        "2.png",
        "base.png",
    ]


def test_words_are_optional_and_auto_keeps_the_pictures_own_size(shop: Workspace, account: Account) -> None:
    shop.edit("seedpipe.yaml", '    prompt: "Take {{ refs.poster }} apart into 3 layers"\n', "")
    shop.edit("seedpipe.yaml", "size: 1K, ", "")
    plan = shop.run("plan", "--json").json
    assert plan["cost"] == {"low": "0.0225 USD", "expected": "0.765 USD", "high": "0.765 USD"}, "any size that may be"
    assert shop.run("build").code == 0
    [sent] = account.requests
    assert (sent["prompt"], sent["size"], sent["pixels"]) == ("", "auto", "1424x800")
    assert sent["billed_images"] == layer_count("")
    assert set(shop.plan().values()) == {"cached"}
    with Image.open(shop.folder / "build/@proof/parts/base.png") as ground:
        assert ground.size == (1424, 800)


def test_a_layer_that_is_fetched_later_still_has_its_words(shop: Workspace, account: Account) -> None:
    account.faults({"do": "download-error", "downloads": 4})
    assert shop.run("build").code == 75
    ran = shop.run("build", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 0), ran.err
    assert "subject: subject of the picture, layer 1" in shop.run("explain", "parts#1").out
    assert [one["billed_images"] for one in account.requests] == [3]
    assert set(shop.plan().values()) == {"cached"}


def test_live_the_charge_is_by_what_came(shop: Workspace, live: Gateway, account: Account) -> None:
    shop.environ["SEEDPIPE_BASE_URL"] = live.base_url.replace("/v1", "/api/v3")
    ran = shop.run("build", "--yes", "--max-cost", "1", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["result"]["spent"] == "0.0675 USD", "three at 1K"
    shop.edit("seedpipe.yaml", "Take", "Now take")
    plan = shop.run("plan", "--json").json
    assert plan["cost"]["high"] == "0.3825 USD"
    ran = shop.run("build", "--yes", "--max-cost", "0.3", "--json")
    assert ran.code == 4, "a cap below what may come is refused, whatever usually comes"
    assert len(account.requests) == 1


@pytest.mark.parametrize(
    ("old", "new", "sentence", "place"),
    [
        ("seedream-5-0-pro", "seedream-4-5", "has no `layers` here; `seedream-5-0-flash-260915`, `seedream-5-0-pro-260628` can", "8:13"),
        ("seedream-5-0-pro", "seedream-5-0-flash", "the price of a layer of `seedream-5-0-flash-260915` at `byteplus` is not known", "4:19"),
        ("byteplus", "apiyi", "the price of a layer of `seedream-5-0-pro-260628` at `apiyi` is not known", "4:19"),
        ("size: 1K", "size: 2848x1600", "layers have one of the tiers 1K, 1.5K, 2K, or `auto`", "4:43"),
        ("layers: poster", "layers: gone", "there is no picture `gone`", "8:13"),
        ("layers: poster", "layers: poster\n    references: [poster]", "`references` means nothing on a decomposition into layers", "9:5"),
        ("layers: poster", "layers: poster\n    output_format: jpeg", "layers are png", "9:5"),
        ("layers: poster", "layers: poster\n    sequence: {max_images: 3}", "is of several kinds at once", "7:3"),
        ('"parts#base"', "parts", "`parts` is a picture taken apart", "10:16"),
        ('"parts#1"', '"parts#17"', "there is no picture `parts#17`", "10:64"),
    ],
)  # fmt: skip
def test_what_check_says(shop: Workspace, account: Account, old: str, new: str, sentence: str, place: str) -> None:
    shop.edit("seedpipe.yaml", old, new)
    ran = shop.run("check", "--format", "json")
    assert ran.code == 2
    told = json.dumps(ran.json, ensure_ascii=False)
    assert sentence in told, told
    assert f'"line": {place.split(":")[0]}' in told, told
    assert account.requests == []
