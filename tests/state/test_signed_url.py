"""How long an address lives, by what it says itself."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.state.signed_url import LONGEST_LIFE, USUAL_LIFE, end_of

GIVEN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
AT = "https://cdn.example.com/a.jpeg"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("X-Tos-Date=20261124T095900Z&X-Tos-Expires=3600", GIVEN + timedelta(minutes=59)),
        ("X-Amz-Date=20261124T100000Z&X-Amz-Expires=60&X-Amz-Signature=ab", GIVEN + timedelta(minutes=1)),
        ("x-goog-date=20261124T100000Z&x-goog-expires=600", GIVEN + timedelta(minutes=10)),
        ("Expires=1795518000&OSSAccessKeyId=a", datetime(2026, 11, 24, 11, 0, tzinfo=UTC)),
        ("X-Tos-Date=20261123T090000Z&X-Tos-Expires=60", datetime(2026, 11, 23, 9, 1, tzinfo=UTC)),
        ("X-Tos-Date=20261124T100000Z&X-Tos-Expires=9999999999", GIVEN + LONGEST_LIFE),
        ("X-Tos-Date=yesterday&X-Tos-Expires=3600", GIVEN + USUAL_LIFE),
        ("X-Tos-Date=20261124T100000Z&X-Tos-Expires=-5", GIVEN + USUAL_LIFE),
        ("X-Tos-Expires=3600", GIVEN + USUAL_LIFE),
        ("Expires=soon", GIVEN + USUAL_LIFE),
        ("", GIVEN + USUAL_LIFE),
    ],
)
def test_an_address_says_until_when_it_lives(query: str, expected: datetime) -> None:
    assert end_of(f"{AT}?{query}", GIVEN) == expected


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://x/", "data:image/png;base64,AA", "https://[::1/x", ""])
def test_what_can_not_be_fetched_has_ended_already(url: str) -> None:
    assert end_of(url, GIVEN) == GIVEN


@given(st.text(alphabet="XxTosAmz-DateExpires=&?0123456789:/[]%Z", max_size=120))
def test_no_address_is_too_strange(rest: str) -> None:
    """Whatever a service says, there is an answer, and no address is waited for longer than any lives."""
    assert end_of(f"{AT}?{rest}", GIVEN) <= GIVEN + LONGEST_LIFE
