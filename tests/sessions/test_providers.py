"""Every provider, region and inference endpoint: whose ids are sent where, and that none of it is in a key."""

import json
from pathlib import Path
from typing import Any

import pytest

from seedpipe.catalogue.catalogue import load_catalogue
from tests.sessions.conftest import Account, manifest
from tests.support.relay import Gateway, gateway
from tests.support.workspace import Workspace, service

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


@pytest.mark.parametrize(
    ("echo", "told"),
    [
        ("doubao-seedream-5-0-pro-260628", "the service says that `seedream-5-0-pro-260628` made it, not"),
        ("seedream-4-0", None),  # without its date, as answers have been seen
        (ENDPOINT, None),
        ("gpt-image-9", None),
    ],
)
def test_an_answer_may_know_better_what_stands_behind_an_endpoint(
    workspace: Workspace, live: Gateway, echo: str, told: str | None
) -> None:
    head = f"provider: {{like: apiyi, endpoints: {{seedream-4-0: {ENDPOINT}}}}}\n"
    workspace.write("seedpipe.yaml", manifest("hero: {prompt: A lamp, size: 2560x1440}", head=head))
    live.echo = echo
    ran = workspace.run("build", "--yes", "--max-cost", "1", SEEDPIPE_BASE_URL=live.base_url)
    assert ran.code == 0, ran.err
    assert ("the service says" in ran.err) is (told is not None)
    assert told is None or told in " ".join(ran.err.split())


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
        ("{like: byteplsu}", "no provider is called `byteplsu`"),
        ("{like: byteplsu}", "did you mean `byteplus`?"),
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


TOMORROW = """\
models:
  seedream-6-0-270101:
    like: seedream-5-0-260128
    title: Seedream 6.0
    released: 2027-01-01
    aliases: ["6.0"]
    tiers: [1K, 4K]
    default_size: 1024x1024
    sizes: {1K: {1:1: 1024x1024, 16:9: 1344x768}}
    pixels: {min: 589824, max: 16777216}
    optimize_modes: [standard, fast]
providers:
  apiyi:
    models:
      seedream-6-0-270101:
        wire: seedream-6-0-270101
        price: {image: 0.055 USD, date: 2027-01-02, source: their page}
        overrides: {references: {max: 2}}
"""


def test_a_model_of_tomorrow_needs_no_release_of_ours(workspace: Workspace, tmp_path: Path) -> None:
    """From a catalogue file of one's own: checked, planned, proofed, bought, compared and looked at by its own rules."""
    file = user_file(workspace, TOMORROW)
    board = "board: {size: 1K, sequence: {frames: [{id: a, prompt: Dawn}, {id: b, prompt: Noon}]}}"
    hero = "hero: {prompt: A lamp, size: 1K, aspect: 16:9, output_format: png, optimize_prompt: fast}"
    workspace.write("seedpipe.yaml", manifest(hero, board).replace("seedream-4-0, size: 1K", '"6.0"'))
    assert workspace.run("check").code == 0
    plan = workspace.run("plan", "--json").json
    assert plan["cost"]["high"] == "0.165 USD"
    proof = workspace.run("build", "--proof", "--json")
    assert (proof.code, proof.json["result"]["bought"]) == (0, 3), proof.err
    assert entries(workspace)["hero"]["made"]["size"] == "1344x768"
    workspace.edit("seedpipe.yaml", "size: 1K, aspect", "size: 3K, aspect")
    told = " ".join(workspace.run("check").out.split())
    assert "`seedream-6-0-270101` has no tier `3K`, only 1K, 4K; `seedream-5-0-260128` can" in told
    workspace.edit("seedpipe.yaml", "size: 3K, aspect", "size: 1K, aspect")
    with service(tmp_path / "tomorrow", "--catalogue", str(file)) as emulator:
        ran = workspace.run("build", "--json", SEEDPIPE_BASE_URL=emulator.base_url)
        assert (ran.code, ran.json["result"]["bought"]) == (0, 0), "proofs are proofs, of whichever emulator"
        assert workspace.run("doctor", SEEDPIPE_BASE_URL=emulator.base_url).code == 0
        with gateway(emulator.base_url) as live:
            ran = workspace.run("build", "--yes", "--max-cost", "1", "--json", SEEDPIPE_BASE_URL=live.base_url)
            assert (ran.code, ran.json["result"]["spent"]) == (0, "0.165 USD"), ran.err
        sent = [one["wire_id"] for one in emulator.ledger()["requests"] if one["billed_images"]]
        assert sent == ["seedream-6-0-270101"] * 2
    table = workspace.run("models").out
    assert "seedream-6-0      0.055  1K 4K" in table
    assert "2     15" in table


def test_a_users_own_file_may_lower_a_price_too(workspace: Workspace) -> None:
    """Of a contract, say. A manifest still can't go below it."""
    user_file(workspace, "providers: {apiyi: {models: {seedream-4-0-250828: {price: {image: 0.01 USD}}}}}\n")
    workspace.write("seedpipe.yaml", manifest(LAMP))
    assert workspace.run("plan", "--json").json["cost"]["high"] == "0.01 USD"
    workspace.write("seedpipe.yaml", manifest(LAMP, head="provider: {like: apiyi, prices: 0.009 USD}\n"))
    assert "is below the catalogue's 0.01 USD" in " ".join(workspace.run("plan").err.split())


def test_a_plan_tells_what_stands_behind_its_prices_when_asked(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", manifest(LAMP, "set: {prompt: A desk, takes: 2, model: seedream-4-5, size: 2K}"))
    del workspace.environ["SEEDPIPE_BASE_URL"]
    told = " ".join(workspace.run("-v", "plan").out.split())
    assert "list prices: APIYI's overview of Seedream, read 2026-10-08" in told
    assert "shown and never counted: ≈ 0.77 CNY by the provider's own rate; up to 20 % less by top-up bonuses;" in told
    assert "0.11 at most" in told, "the money of the plan is without any of it"
    assert "never counted" not in workspace.run("plan").out
    pro = "pro: {prompt: A chair, model: seedream-5-0-pro, size: 2K}"
    workspace.write("seedpipe.yaml", manifest(LAMP, pro))
    assert "CNY" not in workspace.run("-v", "plan").out, "nobody estimates the other one"
