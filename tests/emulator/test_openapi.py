"""The description is served as shipped, and what the emulator takes and answers is as described."""

import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import openapi_spec_validator
import pytest

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.console import json_text
from seedpipe.emulator.app import routes_of
from seedpipe.emulator.desk import Emulator
from seedpipe.emulator.faults import FaultBook
from seedpipe.emulator.job import Workshop
from seedpipe.emulator.ledger import Ledger
from seedpipe.emulator.models import make_dialects
from seedpipe.emulator.pace import MinuteLimit
from seedpipe.emulator.settings import Settings
from seedpipe.emulator.signing import Signer
from tests.emulator.descriptions import SCHEMAS, openapi
from tests.emulator.running import KEY, Running, order

API: dict[str, Any] = openapi()


def check(name: str, document: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": API["components"]}
    jsonschema.Draft202012Validator(schema).validate(document)


def test_what_is_shipped_is_what_is_served(live: Running) -> None:
    shipped = (SCHEMAS / "emulator.openapi.json").read_text(encoding="utf-8")
    assert shipped == json_text(API) + "\n", "run `python -m tests.emulator.descriptions`"
    assert live.http.get("/_emulator/openapi.json").json() == json.loads(shipped)


def test_it_is_a_description() -> None:
    assert API["openapi"] == "3.1.0"
    openapi_spec_validator.validate(API)
    for schema in API["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(API)
    for name in API["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text, f"nothing points at {name}"


def test_every_path_is_there(live: Running) -> None:
    """Each answers as itself and not with the empty 404 of unknown paths."""
    for path, methods in API["paths"].items():
        if "{" in path:
            continue
        for method in methods:
            answer = live.http.request(method, path, headers=KEY, json={} if method in ("post", "put") else None)
            assert str(answer.status_code) in methods[method]["responses"], (path, method)
            assert answer.content


def test_every_address_is_described(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    emulator = Emulator(
        settings=Settings(),
        dialects=make_dialects(load_catalogue(), endpoint_model=Settings().endpoint_model),
        ledger=ledger,
        workshop=Workshop(ledger, scale=0, workers=1),
        signer=Signer(secret=b""),
        limit=MinuteLimit(per_minute=1),
        book=FaultBook(),
    )
    answered = {route.path for route in routes_of(emulator)} - {"/api/plan/v3/models"}  # an empty 404 (ERR)
    assert answered == set(API["paths"])
    ledger.close()


def test_the_address_of_a_picture_is_as_described(live: Running) -> None:
    described = API["paths"]["/{folder}/{name}"]["get"]
    url = httpx.URL(live.make(watermark=True)["data"][0]["url"])
    assert set(url.params) == {it["name"] for it in described["parameters"] if it["in"] == "query"}
    answers = [live.http.get(url), live.http.get(url, headers={"Range": "bytes=0-9"}), live.http.get(url, headers=KEY)]
    answers += [live.http.get(url.copy_with(query=None))]
    for answer, status in zip(answers, (200, 206, 400, 403), strict=True):
        assert answer.status_code == status
        assert answer.headers["content-type"] in described["responses"][str(status)]["content"]


@pytest.mark.parametrize("prefix", ["/v1", "/api/v3", "/api/plan/v3"])
def test_answers_are_as_described(live: Running, prefix: str) -> None:
    model = next(iter(API["x-models"][prefix].values()))["ids"][0]
    body = order(model=model, size="2K", prompt="Generate 2 separate images", sequential_image_generation="auto")
    check("Request" + "".join(part.capitalize() for part in prefix[1:].split("/")), body)
    check("Answer", live.post(body, prefix=prefix).json())
    live.scenario({"do": "moderate-output", "index": 0})
    check("Answer", live.post(body, prefix=prefix).json())
    for line in live.post(body | {"stream": True}, prefix=prefix).text.splitlines():
        if line.startswith("data: {"):
            check("Event", json.loads(line.removeprefix("data: ")))
    refused = live.post({"model": "m"}, prefix=prefix)
    check("Error", refused.json())


def test_the_ledger_is_as_described(live: Running) -> None:
    live.make()
    live.post({})
    live.scenario({"do": "moderate-output"})
    live.post(order())
    check("Ledger", live.ledger())


def test_models_are_as_described(live: Running) -> None:
    check("Models", live.http.get("/api/v3/models", headers=KEY).json())


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "p"},
        order(response_format="png"),
        order(stream="yes"),
        order(sequential_image_generation_options={"max_images": 16}, sequential_image_generation="auto"),
        order(optimize_prompt_options={"mode": "quick"}),
    ],
)
def test_what_the_schema_refuses_the_emulator_refuses(live: Running, body: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check("RequestV1", body)
    assert live.post(body).status_code == 400
