"""Every field × model × provider: what is legal builds and is sent as meant, what is not is refused by both sides."""

import base64
import contextlib
import io
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.emulator.identity import key_hash
from seedpipe.emulator.models import address_of
from tests.conformance.fields import BATCHES, FLOOR, IDS, NO_LAYER_PRICE, PRO, SETS_FORMAT, WIRE, Case, cases
from tests.support.workspace import Service, Workspace, service

SERVED = [(provider, model) for provider, ids in WIRE.items() for model in ids if model in FLOOR]
UNPRICED = {("volcengine", "5.0 flash")}  # its price is not known there, so nothing of it can be bought
BOUGHT = [pair for pair in SERVED if pair not in UNPRICED]
LAYERS_PRICED = {("byteplus", PRO), ("byteplus-eu", PRO)}
BUILT = [pair for pair in BOUGHT if pair[0] != "byteplus-eu"]  # Dublin is asked as Johor is
At = Callable[[str], tuple[Service, str]]  # provider → an emulator that is as it, and its address there


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[At]:
    """Emulators that refuse even what the service ignores without a word, each begun when it is first asked for."""
    running: dict[str, Service] = {}
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        home = str(tmp_path_factory.mktemp("homes"))
        patch.setenv("HOME", home)
        patch.setenv("SEEDPIPE_HOME", home)

        def emulator(provider: str) -> tuple[Service, str]:
            if provider not in running:
                flags = ("--strict", "--provider", provider)
                running[provider] = stack.enter_context(service(tmp_path_factory.mktemp(provider), *flags))
            path = address_of(load_catalogue().provider(provider))
            return running[provider], running[provider].base_url.removesuffix("/v1") + path

        yield emulator


def line_of(case: Case) -> str:
    """The case as an entry of a manifest."""
    fields = dict(case.manifest)
    if "layers" not in fields:
        fields = {"prompt": f"case {case.name}", **fields}
        if case.references:
            fields["references"] = f"[{', '.join(f'ref{number}' for number in range(1, case.references + 1))}]"
    body = ", ".join(f"{name}: {value}" for name, value in fields.items())
    return f"  {address_of_case(case)}: {{{body}}}"


def address_of_case(case: Case) -> str:
    return case.name.replace(" ", "-")


def manifest(provider: str, model: str, chosen: Sequence[Case]) -> str:
    count = max((case.references for case in chosen), default=0)
    sources = [f"  ref{number}: {{file: ref{number}.png}}" for number in range(1, count + 1)]
    head = f"seedpipe: 1\nproject: fields\nprovider: {provider}\n"
    return f"{head}defaults: {{model: {IDS[model]}, size: {FLOOR[model]}}}\nimages:\n" + "\n".join(
        [*sources, *map(line_of, chosen), ""]
    )


def write(workspace: Workspace, provider: str, model: str, chosen: Sequence[Case]) -> Mapping[str, tuple[int, str]]:
    """The manifest and its sources; returns the number and the text of each line by its key."""
    for number in range(1, max((case.references for case in chosen), default=0) + 1):
        picture(see_through=True, shade=number).save(workspace.folder / f"ref{number}.png")
    text = manifest(provider, model, chosen)
    workspace.write("seedpipe.yaml", text)
    return {line.strip().partition(":")[0]: (number, line) for number, line in enumerate(text.splitlines(), 1)}


def picture(*, see_through: bool, shade: int) -> Image.Image:
    return Image.new("RGBA", (24, 24), (10 * shade, 40, 90, 0 if see_through else 255))


@pytest.mark.parametrize(("provider", "model"), BOUGHT, ids=lambda value: str(value).replace(" ", "-"))
def test_check_refuses_what_the_model_cannot_and_names_those_that_can(
    provider: str, model: str, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path)
    every = cases(provider, model)
    lines = write(workspace, provider, model, every)
    ran = workspace.run("check", "--format", "json")
    faults: dict[str, list[dict[str, Any]]] = {}
    for fault in ran.json["faults"]:
        if fault["severity"] == "error":
            faults.setdefault(fault["address"], []).append(fault)
    refused = {address_of_case(case): case for case in every if not case.takes(provider, model)}
    unpriced = set() if "layered" in refused or (provider, model) in LAYERS_PRICED else {"layered"}
    assert set(faults) == set(refused) | unpriced
    if unpriced:
        assert NO_LAYER_PRICE in faults["layered"][0]["message"]
    for address, case in refused.items():
        number, line = lines[address] if case.at is not None else lines["defaults"]
        field = case.at or "model"
        column = line.index(f"{field}: ") + len(field) + 3
        told = [fault["message"] for fault in faults[address] if (fault["line"], fault["column"]) == (number, column)]
        assert len(told) == 1, faults[address]
        if case.named:
            assert named(told[0]) == able(case, provider, model), told


def named(message: str) -> set[str]:
    """The models that a sentence says can."""
    own = message.partition(";")[2]
    return {name for name in re.findall(r"`([^`]+)`", own) if name in IDS.values()}


def able(case: Case, provider: str, model: str) -> set[str]:
    """By the table: the provider's own models, else those of the first of the others that has any."""

    def there(where: str) -> set[str]:
        return {
            IDS[other]
            for other in WIRE[where]
            if other in FLOOR and (where, other) != (provider, model) and twin(case, where, other).takes(where, other)
        }

    for where in (provider, *(other for other in load_catalogue().providers if other != provider)):
        if there(where):
            return there(where)
    return set()


def twin(case: Case, provider: str, model: str) -> Case:
    return next(one for one in cases(provider, model) if one.name == case.name)


@pytest.mark.parametrize(("provider", "model"), BUILT, ids=lambda value: str(value).replace(" ", "-"))
def test_what_is_legal_builds_and_is_sent_as_it_was_meant(provider: str, model: str, at: At, tmp_path: Path) -> None:
    emulator, address = at(provider)
    key = f"key-{provider}-{model.replace(' ', '-')}-0123456789"
    workspace = Workspace(tmp_path, SEEDPIPE_BASE_URL=address, SEEDPIPE_API_KEY=key)
    legal = [
        case
        for case in cases(provider, model)
        if case.takes(provider, model)
        and (case.name != "layered" or (provider, model) in LAYERS_PRICED)
        and not case.huge  # 3K and 4K are drawn in test_overview
    ]
    write(workspace, provider, model, legal)
    ran = workspace.run("build", "--json")
    assert ran.code == 0, ran.err
    requests = [one for one in emulator.ledger()["requests"] if one["key_hash"] == key_hash(key)]
    assert {one["outcome"] for one in requests} == {"made"}
    sent = {one["body"].get("prompt", "case layered"): one["body"] for one in requests}
    assert len(sent) == len(requests) == len(legal)
    for case in legal:
        body = dict(sent[f"case {case.name}"])
        pictures = body.pop("image", [])
        assert len(pictures) == case.references
        assert all(one.startswith("data:image/png;base64,") for one in pictures)
        assert body == expected(case, provider, model), case.name


def expected(case: Case, provider: str, model: str) -> dict[str, Any]:
    """Always the five that the service would guess; no field that the model doesn't know."""
    body: dict[str, Any] = {
        "model": WIRE[provider][model],
        "prompt": f"case {case.name}",
        "size": FLOOR[model],
        "watermark": False,
        "response_format": "url",
    }
    if model in BATCHES:
        body["sequential_image_generation"] = "disabled"
    if model in SETS_FORMAT:
        body["output_format"] = "jpeg"
    if "layers" in case.manifest:
        del body["prompt"]
    return body | (case.wire if case.sent is None else case.sent)


@pytest.mark.parametrize(("provider", "model"), SERVED, ids=lambda value: str(value).replace(" ", "-"))
def test_the_emulator_refuses_the_same(provider: str, model: str, at: At) -> None:
    """Asked directly, by a client that knows nothing."""
    _, address = at(provider)
    for case in cases(provider, model):
        if case.takes(provider, model):
            continue
        body = {"model": WIRE[provider][model], "prompt": "p", "size": FLOOR[model], **case.wire}
        if case.references:
            body["image"] = [data_url(see_through=case.see_through, shade=number) for number in range(case.references)]
        status, error = asked(address, body)
        assert status == 400, (case.name, status, error)
        assert error["code"].startswith(("InvalidParameter", "MissingParameter")), case.name


@pytest.mark.parametrize(
    ("provider", "model"), [(provider, "seededit") for provider in WIRE if "seededit" in WIRE[provider]]
)
def test_what_was_shut_down_is_refused_by_both(provider: str, model: str, at: At, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write(
        "seedpipe.yaml", f"seedpipe: 1\nprovider: {provider}\nimages:\n  a: {{prompt: p, model: {IDS[model]}}}\n"
    )
    ran = workspace.run("check")
    assert ran.code == 2
    assert "was shut down" in ran.out or "is not known" in ran.out
    _, address = at(provider)
    status, error = asked(
        address, {"model": WIRE[provider][model], "prompt": "p", "image": data_url(see_through=False, shade=1)}
    )
    assert (status, error["code"]) == (404, "InvalidEndpointOrModel.NotFound")


def test_a_model_without_a_price_is_not_bought(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for provider, model in UNPRICED:
        write(workspace, provider, model, [case for case in cases(provider, model) if case.name == "plain"])
        [fault] = workspace.run("check", "--format", "json").json["faults"]
        assert fault["message"].endswith("is not known")


def data_url(*, see_through: bool, shade: int) -> str:
    data = io.BytesIO()
    picture(see_through=see_through, shade=shade).save(data, "PNG")
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def asked(address: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
    request = urllib.request.Request(
        f"{address}/images/generations",
        data=json.dumps(body).encode(),
        headers={"authorization": "Bearer a-stranger", "content-type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, {"code": "none", "body": answer.read(200)}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["error"]
