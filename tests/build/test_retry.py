"""When a refused request goes out again: only what is definite and free, only so often, never before its time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.build.order import Sent, Wanted, refused
from seedpipe.build.retry import LONGEST_WAIT, MAX_SERVER_TRIES, MAX_TRIES, NEAR, next_try
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.service.refusals import Refusal, Verdict

NOW = datetime(2026, 9, 4, 12, 0, tzinfo=UTC)


def refusal(
    verdict: Verdict, *, retry_after: float | None = None, in_seconds: float | None = None, status: int | None = 429
) -> Refusal:
    return Refusal(
        verdict=verdict,
        http_status=status,
        code="C",
        message="m",
        request_id="their-id",
        retry_after=retry_after,
        not_before=None if in_seconds is None else NOW + timedelta(seconds=in_seconds),
    )


def seconds(found: Refusal, tries: int = 1, jitter: float = 0.5) -> float | None:
    again = next_try(found, tries, jitter=jitter, now=NOW)
    return None if again is None else again.seconds


@pytest.mark.parametrize("verdict", [Verdict.NODE, Verdict.BLOCKED, Verdict.STOP, Verdict.UNKNOWN])
@pytest.mark.parametrize("retry_after", [None, 1.0])
def test_what_is_never_sent_again(verdict: Verdict, retry_after: float | None) -> None:
    assert seconds(refusal(verdict, retry_after=retry_after)) is None


@pytest.mark.parametrize(("verdict", "most"), [(Verdict.RETRY, MAX_SERVER_TRIES), (Verdict.SLOW_DOWN, MAX_TRIES)])
def test_tries_are_counted(verdict: Verdict, most: int) -> None:
    waits = [seconds(refusal(verdict), tries) for tries in range(1, most + 2)]
    assert waits[: most - 1] == [min(LONGEST_WAIT, 2.0**number) for number in range(most - 1)]
    assert waits[most - 1 :] == [None, None]


@given(st.floats(0, 1, exclude_max=True), st.integers(1, MAX_TRIES - 1))
def test_the_backoff_is_spread_and_bounded(jitter: float, tries: int) -> None:
    wait = seconds(refusal(Verdict.SLOW_DOWN), tries, jitter)
    assert wait is not None
    assert 0.75 * min(LONGEST_WAIT, 2 ** (tries - 1)) <= wait <= 1.25 * LONGEST_WAIT


def test_what_the_server_asks_is_honoured() -> None:
    assert seconds(refusal(Verdict.SLOW_DOWN, retry_after=17.5)) == 17.5
    assert seconds(refusal(Verdict.RETRY, retry_after=0.0)) == 0.0


@pytest.mark.parametrize(("reset", "waits"), [(-5, True), (0, True), (40, True), (NEAR, True), (NEAR + 1, False)])
def test_a_quota_that_comes_back_soon_is_waited_for(reset: float, waits: bool) -> None:
    found = seconds(refusal(Verdict.NOT_BEFORE, in_seconds=reset, retry_after=0.1))
    assert (found is not None) is waits
    if found is not None:
        assert found > max(reset, 0), "never before its time, whatever else was said"
    assert seconds(refusal(Verdict.NOT_BEFORE)) is None, "without a time there is nothing to wait for"


@pytest.mark.parametrize(
    ("verdict", "outcome", "hint", "stops"),
    [
        (Verdict.NODE, "failed", None, False),
        (Verdict.BLOCKED, "blocked", "`--retry-blocked`", False),
        (Verdict.RETRY, "failed", "`seedpipe build` again, later: nothing was billed", False),
        (Verdict.SLOW_DOWN, "failed", "`seedpipe build` again, later: nothing was billed", False),
        (Verdict.NOT_BEFORE, "failed", "`seedpipe build` again after 2026-09-04 13:00 UTC", True),
        (Verdict.STOP, "failed", None, True),
        (Verdict.UNKNOWN, "unknown", "`seedpipe resolve`", False),
    ],
)
def test_what_a_refusal_means_for_its_node(verdict: Verdict, outcome: str, hint: str | None, stops: bool) -> None:
    in_seconds = 3600 if verdict is Verdict.NOT_BEFORE else None
    found = refused(refusal(verdict, in_seconds=in_seconds), _sent())
    assert (found.outcome, found.code, found.request_id) == (outcome, "C", "their-id")
    assert (found.hint is None) if hint is None else (hint in (found.hint or ""))
    assert (found.stop is not None) is stops
    assert found.client_request_id == ("our-id" if verdict is Verdict.UNKNOWN else None)


def _sent() -> Sent:
    wanted = Wanted(
        address="a",
        ordinal=1,
        key=Digest.of(b""),
        document="{}",
        model="m",
        price=Money.parse("1 USD"),
        pictures=(),
    )
    return Sent(wanted=wanted, request="req-1", client_request_id="our-id", at=0.0)
