"""The emulator's error table against the client's verdicts, over the wire: two lists that nobody shares."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from seedpipe.emulator.refusals import ERROR_CODES
from seedpipe.service.client import ServiceClient
from seedpipe.service.refusals import Refusal, Verdict
from tests.emulator.running import Running, emulator, order
from tests.service.test_refusals import CASES

EXPECTED = {code: verdict for _, _, verdict, code in CASES} | {
    "QuotaExceeded": Verdict.STOP,  # as the emulator words it: the free trial is used up
    "InternalServiceError": Verdict.UNKNOWN,
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with emulator(tmp_path_factory.mktemp("codes")) as running:
        yield running


@pytest.mark.parametrize("prefix", ["/v1", "/api/v3"])
def test_every_code_of_the_emulator_has_its_verdict(live: Running, prefix: str) -> None:
    async def session() -> dict[str, Refusal]:
        found = {}
        async with ServiceClient(live.origin + prefix, "key") as client:
            for code in ERROR_CODES:
                live.scenario({"do": "refuse", "code": code})
                body = json.dumps(order()).encode()
                answer = client.generate_frames(body, frames=1, timeout=10, silence=10, client_request_id="codes")
                (outcome,) = [step async for step in answer]
                assert isinstance(outcome, Refusal), code
                found[code] = outcome
        return found

    found = asyncio.run(session())
    assert {code: refusal.verdict for code, refusal in found.items()} == {code: EXPECTED[code] for code in ERROR_CODES}
    for code, refusal in found.items():
        assert (refusal.code, refusal.http_status) == (code, ERROR_CODES[code].status)
        assert refusal.request_id and refusal.is_emulator
    assert live.ledger()["billed_images"] == 0


def test_the_emulator_leaves_no_code_out() -> None:
    """But for the type that a sample shows as a code, and spellings with a field's name."""
    own = {"BadRequest", "MissingParameter.prompt", "InvalidParameter.size"}
    assert set(EXPECTED) - own == set(ERROR_CODES)
