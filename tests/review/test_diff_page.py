"""The page of a diff: how many pictures it shows, whatever changed."""

from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.plan.diff import Choice, Field, Kind, NodeChange, ProjectDiff
from seedpipe.plan.plan import Cost
from seedpipe.review.diff_page import MAX_PICTURED, diff_page, pictured

NOTHING = Cost.nothing("USD")


def changed(number: int) -> NodeChange:
    before, after = (Choice(take=Digest.of(f"{number} {when}".encode()), level="auto") for when in ("old", "new"))
    words = (Field(name="size", old="2K", new="4K"),)
    return NodeChange(
        address=f"n{number}", kind=Kind.CHANGED, position=None, fields=words, before=before, after=after, cost=NOTHING
    )


def page_of(number: int) -> tuple[int, str]:
    nodes = tuple(changed(one) for one in range(number))
    zero = Money.zero("USD")
    diff = ProjectDiff(
        project="lamps",
        before="main",
        after="work tree",
        terms=(),
        nodes=nodes,
        cost=Cost.exactly(zero),
        pictures=0,
        pending=NOTHING,
        pending_pictures=0,
    )
    return len(pictured(diff)), diff_page(diff, {})


def test_a_page_shows_as_many_pictures_as_a_browser_bears_and_says_so() -> None:
    shown, page = page_of(MAX_PICTURED)
    assert (shown, page.count("<figure>")) == (MAX_PICTURED, 2 * MAX_PICTURED)
    assert "without." not in page
    shown, page = page_of(MAX_PICTURED + 7)
    assert (shown, page.count("<figure>")) == (MAX_PICTURED, 2 * MAX_PICTURED)
    assert f"The first {MAX_PICTURED} are shown with their pictures, 7 without." in page
    assert page.count("<article>") == MAX_PICTURED + 7
