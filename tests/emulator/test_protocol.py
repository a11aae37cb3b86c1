"""What surrounds the bodies: headers, keys, paths, models, result addresses."""

import gzip
import io
import json
import random
import re
import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from PIL import Image

from seedpipe import __version__
from tests.emulator.running import KEY, Running, data_url, emulator, order


def test_every_answer_says_that_this_is_a_proof(live: Running) -> None:
    url = live.make()["data"][0]["url"]
    answers = [
        live.post(order()),
        live.post({}),
        live.post(order(), headers={}),
        live.http.get("/nowhere"),
        live.http.get(url),
        live.http.get(url.split("?")[0]),
        live.http.get("/_emulator/ledger"),
        live.http.get("/v1/models", headers=KEY),
        live.http.get("/", headers={"Host": "evil.example"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 401, 404, 200, 403, 200, 200, 400]
    assert {answer.headers["x-seedpipe-emulator"] for answer in answers} == {__version__}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Basic dTpw"}])
def test_without_a_key(live: Running, headers: dict[str, str]) -> None:
    answer = live.post(order(), headers=headers)
    error = answer.json()["error"]
    sentence = r"the API key or AK/SK in the request is missing or invalid\. request id: 02[0-9a-f]{51}"
    assert re.fullmatch(sentence, error.pop("message"))
    assert error == {"code": "AuthenticationError", "param": "", "type": "Unauthorized"}
    assert (answer.status_code, answer.headers["x-error-code"]) == (401, "AuthN_MissOrInvalidAuthorizationHeader")


def test_one_key_only(tmp_path_factory: pytest.TempPathFactory) -> None:
    with emulator(tmp_path_factory.mktemp("key"), key="right") as running:
        assert running.post(order(), headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert running.http.get("/v1/models", headers=KEY).status_code == 401
        assert running.post(order(), headers={"authorization": "bearer right"}).status_code == 200


def test_headers_of_the_api(live: Running) -> None:
    answer = live.post({}, headers=KEY | {"X-Client-Request-Id": "mine-1", "Accept-Encoding": "gzip"})
    assert answer.headers["server"] == "istio-envoy"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["x-client-request-id"] == "mine-1"
    assert re.fullmatch(r"20[0-9]{12}[0-9A-F]{20}", answer.headers["x-request-id"])
    assert live.last()["client_request_id"] == "mine-1"
    for accepted in ("gzip;q=0", "br, deflate", "gzip; q=0.0, deflate", ""):
        assert "content-encoding" not in live.post({}, headers=KEY | {"Accept-Encoding": accepted}).headers, accepted
    for accepted in ("deflate, gzip;q=0.5", "GZIP", "*"):
        assert live.post({}, headers=KEY | {"Accept-Encoding": accepted}).headers["content-encoding"] == "gzip", (
            accepted
        )
    plain = live.post({}, headers=KEY | {"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert re.fullmatch(r"unknown-[0-9]{14}-[0-9a-f]{8}", plain.headers["x-client-request-id"])
    assert gzip.decompress(gzip.compress(plain.content)) == plain.content


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("POST", "/v1/images/edits"),
        ("GET", "/v1/images/generations"),
        ("POST", "/images/generations"),
        ("POST", "/v1/images/generations/"),
        ("GET", "/api/plan/v3/models"),
        ("GET", "/v1/nothing"),
        ("POST", "/_emulator/ledger"),
    ],
)
def test_unknown_paths_have_an_empty_body(live: Running, method: str, path: str) -> None:
    answer = live.http.request(method, path, headers=KEY)
    assert (answer.status_code, answer.content) == (404, b"")


def test_browsers_may_not_call(live: Running) -> None:
    for path in ("/v1/images/generations", "/api/v3/models"):
        answer = live.http.options(path)
        assert (answer.status_code, answer.headers["access-control-allow-headers"]) == (
            204,
            "Origin,Content-Length,Content-Type",
        )
    url = live.make()["data"][0]["url"]
    assert live.http.options(url).status_code == 403


def test_models_are_listed(live: Running) -> None:
    gateway = live.http.get("/v1/models", headers=KEY).json()
    assert gateway["object"] == "list"
    first = gateway["data"][0]
    assert (first["id"], first["object"], first["domain"]) == ("seedream-5-0-260128", "model", "ImageGeneration")
    ark = {model["id"]: model for model in live.http.get("/api/v3/models", headers=KEY).json()["data"]}
    assert ark["seededit-3-0-i2i-250628"]["status"] == "Shutdown"
    assert "status" not in ark["doubao-seedream-4-5-251128"]


def test_result_addresses(live: Running) -> None:
    answer = live.make()
    item = answer["data"][0]
    found = re.fullmatch(
        re.escape(live.origin)
        + r"/seedream-4-0/(02[0-9]{13}[0-9a-f]{38})_0\.jpeg\?X-Tos-Algorithm=TOS4-HMAC-SHA256"
        + r"&X-Tos-Credential=[A-Za-z0-9]+%2F[0-9]{8}%2F[a-z0-9-]+%2Ftos%2Frequest&X-Tos-Date=([0-9]{8}T[0-9]{6}Z)"
        + r"&X-Tos-Expires=86400&X-Tos-Signature=[0-9a-f]{64}&X-Tos-SignedHeaders=host",
        item["url"],
    )
    assert found
    assert found[1] == live.last()["request_id"]
    signed = datetime.strptime(found[2], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    assert signed == answer["created"]  # both are the time of the end (CN)
    picture = live.http.get(item["url"])
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["server"] == "TosServer"
    assert live.last()["images"][0]["downloads"] == 1
    part = live.http.get(item["url"], headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, picture.content[:10])
    assert live.http.head(item["url"]).headers["content-length"] == str(len(picture.content))


def test_the_folder_is_the_model_as_its_provider_calls_it(live: Running) -> None:
    for model, folder in [
        ("doubao-seedream-4-0-250828", "doubao-seedream-4-0"),
        ("dola-seedream-5-0-pro-260628", "dola-seedream-5-0-pro"),
        ("ep-20260101-abcde", "seedream-4-5"),
    ]:
        answer = live.post(order(model=model, size="2K"), prefix="/api/v3").json()
        url = answer["data"][0]["url"]
        assert url.startswith(f"{live.origin}/{folder}/02"), url
        assert live.http.get(url).status_code == 200


def test_large_bodies_of_curl(live: Running) -> None:
    """It waits for `100 Continue` before it sends them."""
    if (curl := shutil.which("curl")) is None:
        pytest.skip("curl is not installed")
    body = json.dumps(order(image=data_url(noise(1500, 1000))))
    assert len(body) > 2_000_000
    command = [curl, "-sS", "--max-time", "20", "-H", "Authorization: Bearer k", "-H", "Expect: 100-continue"]
    command += ["--data-binary", "@-", "-w", "%{http_code} %{time_total}", "-o", "/dev/null"]
    told = subprocess.run(
        [*command, f"{live.origin}/v1/images/generations"], input=body.encode(), capture_output=True, check=True
    )
    status, seconds = told.stdout.split()
    assert status == b"200"
    assert float(seconds) < 10
    assert live.last()["reference_count"] == 1


def noise(width: int, height: int) -> bytes:
    """A PNG that does not shrink."""
    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3)).save(out, "PNG")
    return out.getvalue()


def test_addresses_that_were_changed(live: Running) -> None:
    url = live.make()["data"][0]["url"]
    path, query = url.split("?")
    changed = [
        path,
        url.replace("_0.jpeg", "_1.jpeg"),
        url.replace("Expires=86400", "Expires=864000"),
        url.replace("SHA256", "SHA512"),
        url + "&x-tos-process=image/resize",
        path + "?" + query.replace("X-Tos-Signature=", "X-Tos-Signature=0"),
    ]
    for address in changed:
        answer = live.http.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/xml"), address
        assert b"<Code>AccessDenied</Code>" in answer.content
    refused = live.http.get(url, headers=KEY)
    assert refused.status_code == 400
    assert b"<Code>InvalidArgument</Code>" in refused.content
    assert live.http.get(url).status_code == 200


def test_a_watermark_is_part_of_the_signature(live: Running) -> None:
    url = live.make(watermark=True)["data"][0]["url"]
    assert "&x-tos-process=image%2Fwatermark" in url
    assert live.http.get(url).status_code == 200
    assert live.http.get(url.split("&x-tos-process")[0]).status_code == 403
    upstream = live.post(order(), prefix="/api/v3").json()  # absent means true there, false at the gateway
    assert "x-tos-process" in upstream["data"][0]["url"]
    assert "x-tos-process" not in live.make()["data"][0]["url"]
