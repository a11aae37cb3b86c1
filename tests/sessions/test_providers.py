"""Every provider, region and inference endpoint: whose ids are sent where, and that none of it is in a key."""

import json
from pathlib import Path
from typing import Any

import pytest

from seedpipe.catalogue.catalogue import load_catalogue
from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace

ENDPOINT = "ep-20260101120000-abcde"
OTHER_ENDPOINT = "ep-20260202120000-fghij"
LAMP = "hero: {prompt: A brass lamp, aspect: 16:9}"


def at(account: Account, prefix: str) -> str:
    """Another address of the same emulator."""
    return account.service.base_url.removesuffix("/v1") + prefix


def entries(workspace: Workspace) -> dict[str, Any]:
    """The lock of proofs: address → entry."""
    lines = (workspace.folder / ".seedpipe/proof/seedpipe.lock").read_text(encoding="utf-8").splitlines()
    return {name: json.loads(rest) for name, _, rest in (line.partition(" ") for line in lines if line[0] not in "#@")}


@pytest.mark.parametrize(
    ("provider", "prefix", "model", "wire"),
    [
        ("apiyi", "/v1", "seedream-4-0", "seedream-4-0-250828"),
        ("byteplus", "/api/v3", "seedream-4-0", "seedream-4-0-250828"),
        ("byteplus-eu", "/api/v3", "seedream-5-0-pro", "dola-seedream-5-0-pro-260628"),
        ("volcengine", "/api/v3", "seedream-4-0", "doubao-seedream-4-0-250828"),
        ("volcengine-plan", "/api/plan/v3", "seedream-5-0", "doubao-seedream-5.0-lite"),
    ],
)
def test_each_provider_is_asked_in_its_own_words(
    workspace: Workspace, account: Account, provider: str, prefix: str, model: str, wire: str
) -> None:
    head = f"provider: {provider}\n"
    workspace.write("seedpipe.yaml", manifest(f"hero: {{prompt: A lamp, model: {model}, size: 2560x1440}}", head=head))
    workspace.environ["SEEDPIPE_BASE_URL"] = at(account, prefix)
    ran = workspace.run("build", "--json")
    assert ran.code == 0, ran.err
    [asked] = account.requests
    assert (asked["wire_id"], asked["prefix"], asked["billed_images"]) == (wire, prefix, 1)
    made = entries(workspace)["hero"]["made"]
    assert (made["provider"], made["model"]) == (provider, load_catalogue().model_id(model))


@pytest.mark.parametrize("provider", [name for name in load_catalogue().providers if name != "volcengine-plan"])
def test_another_provider_buys_nothing_again(workspace: Workspace, provider: str) -> None:
    workspace.write("seedpipe.yaml", manifest(LAMP))
    assert workspace.run("build").code == 0
    ran = workspace.run("build", "--provider", provider, "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 0), ran.err


@pytest.mark.parametrize("named", ["seedream-4-0", ENDPOINT])
def test_an_inference_endpoint_is_only_ever_a_word_on_the_wire(
    workspace: Workspace, account: Account, named: str
) -> None:
    """The emulator has 4.5 behind every endpoint that it is not told of, so the size is one of both."""
    workspace.environ["SEEDPIPE_BASE_URL"] = at(account, "/api/v3")
    head = f"provider: {{like: byteplus, endpoints: {{seedream-4-0: {ENDPOINT}}}}}\n"
    node = f"hero: {{prompt: A lamp, model: {named}, size: 2560x1440}}"
    workspace.write("seedpipe.yaml", manifest(node, head=head))
    assert workspace.run("build").code == 0
    assert [one["wire_id"] for one in account.requests] == [ENDPOINT]
    entry = entries(workspace)["hero"]
    assert "ep-" not in json.dumps(entry), "nothing that lasts knows the endpoint"
    workspace.edit("seedpipe.yaml", f"seedream-4-0: {ENDPOINT}", f"seedream-4-0: {OTHER_ENDPOINT}")
    workspace.edit("seedpipe.yaml", f"model: {named}", "model: seedream-4-0-250828")
    ran = workspace.run("build", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 0), "another endpoint is no other picture"


def test_an_endpoint_of_the_users_own_file(workspace: Workspace, account: Account) -> None:
    user_file(workspace, f"providers:\n  byteplus: {{endpoints: {{seedream-4-5: {ENDPOINT}}}}}\n")
    workspace.environ["SEEDPIPE_BASE_URL"] = at(account, "/api/v3")
    node = f"hero: {{prompt: A lamp, model: {ENDPOINT}, size: 2K}}"
    workspace.write("seedpipe.yaml", manifest(node, head="provider: byteplus\n"))
    assert workspace.run("build").code == 0
    assert [one["wire_id"] for one in account.requests] == [ENDPOINT]
    assert entries(workspace)["hero"]["made"]["model"] == "seedream-4-5-251128"


def test_proofs_know_the_endpoints_of_manifest_and_user(workspace: Workspace) -> None:
    head = f"provider: {{like: byteplus, endpoints: {{seedream-4-0: {ENDPOINT}}}}}\n"
    user_file(workspace, f"providers:\n  byteplus: {{endpoints: {{seedream-5-0: {OTHER_ENDPOINT}}}}}\n")
    nodes = (f"hero: {{prompt: A lamp, model: {ENDPOINT}, size: 1K}}", "set: {prompt: A desk, model: '5.0', size: 3K}")
    workspace.write("seedpipe.yaml", manifest(*nodes, head=head))
    ran = workspace.run("build", "--proof")
    assert ran.code == 0, f"1K is 4.0's alone, 3K is 5.0's: {ran.err}"


def test_what_stands_behind_an_endpoint_is_never_guessed(workspace: Workspace, account: Account) -> None:
    node = f"hero: {{prompt: A lamp, model: {ENDPOINT}, size: 2560x1440}}"
    workspace.write("seedpipe.yaml", manifest(node))
    ran = workspace.run("build")
    assert ran.code == 2
    words = " ".join(ran.err.split())
    assert "its name doesn't say which model stands behind it" in words
    assert f"`endpoints: {{seedream-4-5: {ENDPOINT}}}`" in words
    head = f"provider: {{like: apiyi, endpoints: {{seedream-4-0: {ENDPOINT}}}}}\n"
    workspace.write("seedpipe.yaml", manifest(node, head=head))
    assert workspace.run("build").code == 0
    workspace.edit("seedpipe.yaml", "seedream-4-0:", "seedream-4-5:")
    ran = workspace.run("plan", "--proof")
    assert ran.code == 2
    assert f"`{ENDPOINT}` stands for `seedream-4-5-251128` now, and the lock has" in " ".join(ran.err.split())
    assert len(account.requests) == 1


def test_a_manifest_can_raise_a_price_and_never_lower_one(workspace: Workspace) -> None:
    def price(terms: str) -> str:
        workspace.write("seedpipe.yaml", manifest(LAMP, head=f"provider: {{like: apiyi, {terms}}}\n"))
        ran = workspace.run("plan", "--json")
        return str(ran.json["cost"]["high"]) if ran.code == 0 else " ".join(ran.err.split())

    assert price("prices: 0.05 USD") == "0.05 USD"
    assert price("prices: {seedream-4-0: 0.07 USD}") == "0.07 USD"
    assert price("prices: {seedream-4-5: 0.07 USD}") == "0.03 USD", "the price of another model"
    assert "the manifest's price 0.02 USD is below the catalogue's 0.03 USD" in price("prices: 0.02 USD")
    assert "is below the catalogue's" in price("prices: {seedream-4-0: 0.0299 USD}")
    assert "is not in the provider's currency, USD" in price("prices: 1 CNY")
    assert "no model is called `nothing`" in price("prices: {nothing: 1 USD}")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (
            "{base_url: 'https://api.apiyi.com/v1', like: byteplus}",
            "`https://api.apiyi.com/v1` is `apiyi`, not `byteplus`",
        ),
        ("{prices: 1 USD}", "this doesn't say which provider is meant"),
        ("{like: apiyi, endpoints: {seedream-9: ep-1}}", "no model is called `seedream-9`"),
        ("{like: apiyi, endpoints: {seedream-5-0-flash: ep-1}}", "`apiyi` does not serve"),
        ("{like: apiyi, endpoints: {seedream-4-0: seedream-4-5}}", "`seedream-4-5` is not an inference endpoint"),
        ("{like: apiyi, endpoints: {seedream-4-0: ep-1, seedream-4-5: ep-1}}", "`ep-1` is a name of both"),
        ("nobody", "no provider is called `nobody`"),
    ],
)
def test_a_provider_that_cannot_be_is_shown_where_it_stands(workspace: Workspace, written: str, words: str) -> None:
    workspace.write("seedpipe.yaml", manifest(LAMP, head=f"provider: {written}\n"))
    ran = workspace.run("plan")
    assert ran.code == 2
    assert words in " ".join(ran.err.split())
    assert "seedpipe.yaml:4" in ran.err


def user_file(workspace: Workspace, text: str) -> Path:
    """A catalogue file of the user's own, named in the settings."""
    folder = Path(workspace.environ["HOME"]) / ".config/seedpipe"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text("catalogue: [own.yaml]\n", encoding="utf-8")
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    return folder / "own.yaml"
