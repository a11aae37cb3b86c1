"""Layers in a plan: all together or none, priced at the most that may come, and less is complete."""

from dataclasses import replace

import pytest

from seedpipe.canonical import digest_of
from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.catalogue.lookup import UnknownPriceError
from seedpipe.manifest.node import FrameNode
from seedpipe.plan.frames import batch_request
from seedpipe.plan.memory import Refused
from seedpipe.plan.price import layer_prices
from seedpipe.plan.reasons import NotMade
from tests.plan.project import INVALID, Project

PARTS = """
pack: {file: pack.png}
parts: {layers: pack, prompt: Apart, model: seedream-5-0-pro, size: 1K}
card: {from: "parts#base", steps: [{resize: 64x}]}
"""
PRO = "seedream-5-0-pro-260628"


@pytest.fixture
def project() -> Project:
    project = Project(provider="byteplus")
    return project.write("pack.png", "a pack").images(PARTS)


def layers(project: Project, *targets: str, **wish: object) -> set[str]:
    states = project.states(*targets, **wish)
    return {state for address, state in states.items() if address.startswith("parts#")}


def test_prices_bound_every_size_that_may_be() -> None:
    catalogue = load_catalogue()
    assert [str(money) for money in layer_prices(catalogue, "byteplus", PRO, "1.5K")] == ["0.0225 USD"] * 2
    assert [str(money) for money in layer_prices(catalogue, "byteplus", PRO, "2K")] == ["0.045 USD"] * 2
    assert [str(money) for money in layer_prices(catalogue, "byteplus", PRO, "auto")] == ["0.0225 USD", "0.045 USD"]
    for provider in ("apiyi", "volcengine"):
        with pytest.raises(UnknownPriceError, match=f"the price of a layer of `{PRO}` at `{provider}` is not known"):
            layer_prices(catalogue, provider, PRO, "2K")


def test_the_size_of_auto_is_the_pictures_own_where_the_model_makes_it() -> None:
    model = load_catalogue().model(PRO, "byteplus")
    assert model.size_of_layers("auto", 1500, 1000) == (1500, 1000)
    assert model.size_of_layers("auto", 15, 10) == (1024, 1024)
    assert model.size_of_layers("auto", 6000, 6000) == (2048, 2048)
    assert model.size_of_layers("1.5K", 6000, 6000) == (1536, 1536)


def test_one_request_for_all_that_may_come(project: Project) -> None:
    plan = project.plan()
    assert layers(project) == {"make"}
    assert {node.batch for node in plan.nodes.values() if node.kind == "frame"} == {"parts/1"}
    assert (plan.pictures, str(plan.cost.low), str(plan.cost.high)) == (17, "0.0225 USD", "0.3825 USD")


def test_what_batches_usually_bring_is_expected(project: Project) -> None:
    project.memory.batches[PRO] = (10, 34)
    plan = project.plan()
    assert (str(plan.cost.low), str(plan.cost.expected), str(plan.cost.high)) == (
        "0.0225 USD", "0.1125 USD", "0.3825 USD"
    )  # fmt: skip


def test_fewer_than_may_come_is_complete(project: Project) -> None:
    came(project, 3)
    plan = project.plan()
    assert plan.pictures == 0
    assert [plan.nodes[f"parts#{name}"].reasons for name in (3, 16)] == [(NotMade(came=3),)] * 2
    assert not [node for node in plan.nodes.values() if node.state.buys]


def test_another_height_is_another_wish(project: Project) -> None:
    keys = {node.key for node in project.plan().nodes.values() if node.kind == "frame"}
    assert len(keys) == 17


def test_a_refusal_is_one_of_all(project: Project) -> None:
    frames = [node for node in project.graph() if isinstance(node, FrameNode)]
    asked = project.resolver().asked(frames[0])
    digest = str(project.memory.source_digest("pack.png"))
    key = digest_of(batch_request(asked, frames, [digest]))
    project.memory.refusals[key] = INVALID
    assert layers(project) == {"failed"}
    project.memory.refusals[key] = Refused(code="OutputImageSensitiveContentDetected", message="no", blocked=True)
    assert layers(project) == {"blocked"}
    assert layers(project, retry_blocked=True) == {"make"}


def test_the_words_of_the_linter(project: Project) -> None:
    assert project.lint() == ()
    project.edit("size: 1K", "size: 4K")
    assert [fault.message for fault in project.lint()] == [
        "`parts`: `4K`: layers have one of the tiers 1K, 1.5K, 2K, or `auto`, the size of the picture itself"
    ]
    project.edit("size: 4K", "size: auto").edit("layers: pack, ", "references: [pack], ").edit("parts#base", "parts")
    assert [fault.message for fault in project.lint()] == [
        "`parts`: `auto` is the size of layers; say a tier (1K, 1.5K, 2K), or pixels"
    ]


def came(project: Project, number: int) -> None:
    """As a build does: the lowest `number` of the layers came, each chosen by its own want."""
    plan = project.plan()
    project.build()
    for node in list(plan.nodes.values()):
        if node.kind == "frame" and node.address not in {f"parts#{name}" for name in ("base", *range(1, number))}:
            assert node.key is not None
            project.memory.pool.pop(node.key, None)
            entries = {name: entry for name, entry in project.lock.entries.items() if name != node.address}
            project.lock = replace(project.lock, entries=entries)
