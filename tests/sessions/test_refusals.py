"""What the service refuses: what is held, what is sent again, what stops the build, and what a person does then."""

import pytest

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Ran, Workspace

SHELF = manifest(
    "hero: {prompt: A brass lamp}",
    "scene: {prompt: 'A desk, {{ refs.hero }}', references: {hero: hero}}",
    "card: {from: scene, steps: [{crop: 1:1}]}",
    "chair: {prompt: A chair}",
)
STOPS = {
    "AccountOverdueError": ({"do": "refuse", "code": "AccountOverdueError"}, "settle the overdue balance"),
    "insufficient_user_quota": ({"do": "balance"}, "top up the account at the provider"),
    "QuotaExceeded": ({"do": "quota"}, "activate paid use of the model in the provider's console"),
    "AuthenticationError": ({"do": "unauthorised"}, "check the key: `seedpipe login`"),
}


@pytest.fixture
def shelf(workspace: Workspace) -> Workspace:
    workspace.write("seedpipe.yaml", SHELF)
    return workspace


def planned(ran: Ran) -> dict[str, str]:
    """Address → state in the plan of a build that wrote JSON."""
    return {node["address"]: node["state"] for node in ran.json["plan"]["nodes"]}


def bought(ran: Ran) -> tuple[int, int]:
    """Exit code and pictures."""
    return ran.code, ran.json["result"]["bought"]


def said(text: str) -> str:
    return " ".join(text.split())


def test_moderation_blocks_a_picture_and_what_is_made_from_it(shelf: Workspace, account: Account) -> None:
    account.faults({"do": "moderate-output", "match": "brass"})
    first = shelf.run("build")
    assert first.code == 5
    assert "hero blocked: OutputImageSensitiveContentDetected: The request failed because" in said(first.err)
    assert "2 skipped scene, card" in said(first.err)
    account.faults()
    second = shelf.run("build", "--json")
    assert bought(second) == (5, 0)
    assert planned(second) == {"hero": "blocked", "scene": "blocked", "card": "blocked", "chair": "cached"}
    assert sorted(account.prompts) == ["A brass lamp", "A chair"], "it is not sent again by itself"
    assert bought(shelf.run("build", "--retry-blocked", "--json")) == (0, 2)
    assert account.prompts.count("A brass lamp") == 2


def test_a_faulty_request_goes_out_again_only_when_it_changed_or_is_named(shelf: Workspace, account: Account) -> None:
    account.faults({"do": "refuse", "code": "InvalidParameter", "match": "lamp"})
    assert shelf.run("build").code == 1
    second = shelf.run("build", "--json")
    assert bought(second) == (1, 0)
    assert planned(second) == {"hero": "failed", "scene": "blocked", "card": "blocked", "chair": "cached"}
    assert sorted(account.prompts) == ["A brass lamp", "A chair"]
    shelf.edit("seedpipe.yaml", "brass lamp", "copper lamp")
    assert shelf.run("build").code == 1
    account.faults()
    assert bought(shelf.run("build", "hero", "--json")) == (0, 1)
    assert account.prompts[2:] == ["A copper lamp", "A copper lamp"]
    assert shelf.plan() == {"hero": "cached", "scene": "make", "card": "free", "chair": "cached"}


def test_a_free_refusal_that_passes_is_waited_out(shelf: Workspace, account: Account) -> None:
    account.faults(
        {"do": "overloaded", "times": 1, "retry_after": 0.1, "match": "lamp"},
        {"do": "rate-limit", "times": 1, "retry_after": 0.1, "match": "desk"},
        {"do": "internal-error", "times": 1, "retry_after": 0.1, "match": "chair"},
    )
    ran = shelf.run("build", "--json")
    assert bought(ran) == (0, 3), ran.err
    assert len(account.requests) == 6
    assert sum(one["billed_images"] for one in account.requests) == 3


def test_a_gateways_web_page_is_no_answer_and_is_held(shelf: Workspace, account: Account) -> None:
    account.faults({"do": "bad-gateway", "match": "lamp"})
    first = shelf.run("build")
    assert first.code == 75
    assert "hero unknown: 502: HTTP 502 with a web page in place of an answer" in said(first.err)
    assert "up to 0.03 USD more would be uncertain" in said(first.err)
    account.faults()
    assert shelf.run("build", "hero").code == 75, "not even when it is named"
    assert len(account.prompts) == 2
    again = shelf.run("build", "--retry-unknown", "--json")
    assert bought(again) == (0, 2), again.err
    after = shelf.run("build", "--json")
    assert bought(after) == (0, 0), "a person has decided, and the picture is there"
    assert set(planned(after).values()) == {"cached"}
    assert "1 charge uncertain: up to 0.03 USD" in shelf.run("status").out, "the money stays uncertain all the same"


def test_what_is_paid_and_could_not_be_read_yet_is_in_the_sum(shelf: Workspace, account: Account) -> None:
    account.faults({"do": "garbage", "match": "lamp"}, {"do": "bad-gateway", "match": "chair"})
    ran = shelf.run("build")
    assert ran.code == 75
    assert sum(one["billed_images"] for one in account.requests) == 2
    assert "up to 0.06 USD more would be uncertain" in said(ran.err), "one is at the provider, of one nobody knows"


def test_what_every_request_would_meet_stops_the_build_at_once(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {matrix: {n: [a, b, c, d]}, prompt: 'Lamp {{ n }}'}"))
    for sent, (code, (fault, advice)) in enumerate(STOPS.items(), start=1):
        account.faults(fault)
        ran = workspace.run("build", "-j", "1")
        assert ran.code == 1
        assert len(account.prompts) == sent, "one request of four, then nothing more"
        _, failed, last_words = said(ran.err).partition("1 failed")
        assert failed
        assert f"({code})" in last_words
        assert advice in last_words
        assert "3 pictures not begun; the next build takes them up" in last_words
    account.faults()
    again = workspace.run("build", "--json")
    assert bought(again) == (0, 4), again.err
