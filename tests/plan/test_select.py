"""What a person may write to name pictures, and what that names."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.errors import UsageError
from seedpipe.plan.graph import Graph
from seedpipe.plan.select import select
from tests.plan.project import Project

LAUNCH = """
hero: {prompt: A lamp, tags: [launch]}
scene:
  matrix: {product: [LUM-01, LUM-02], shape: ['16:9', '1:1']}
  prompt: "{{ refs.hero }}: {{ product }} as {{ shape }}"
  references: {hero: hero}
  tags: [launch, web]
banner:
  matrix: {product: [LUM-01, LUM-02], market: [en, de, ja]}
  from: "scene/{{ product }}/16:9"
  steps: [{resize: 1200x630}]
banner-archive: {prompt: An old banner}
"""
BOARDS = """
board:
  sequence: {frames: [{id: wide, prompt: Wide}, {id: hands, prompt: Hands}, {id: face, prompt: Face}]}
countdown:
  sequence: {frames: [{id: "3", prompt: Three}, {id: "2", prompt: Two}, {id: "1", prompt: One}]}
reel:
  matrix: {market: [en, ja]}
  tags: [reel]
  sequence: {frames: [{id: wide, prompt: "Wide {{ market }}"}, {id: hands, prompt: "Hands {{ market }}"}]}
"""
SCENES = {f"scene/{product}/{shape}" for product in ("LUM-01", "LUM-02") for shape in ("16:9", "1:1")}
BANNERS = {f"banner/{product}/{market}" for product in ("LUM-01", "LUM-02") for market in ("en", "de", "ja")}
GRAPH = Project().images(LAUNCH).graph()
FILMED = Project().images(LAUNCH.strip() + BOARDS).graph()
BOARD = {"board#wide", "board#hands", "board#face"}
REEL = {f"reel/{market}#{frame}" for market in ("en", "ja") for frame in ("wide", "hands")}


@pytest.fixture
def graph() -> Graph:
    return GRAPH


def chosen(graph: Graph, *targets: str, exclude: tuple[str, ...] = ()) -> set[str]:
    return set(select(graph, targets, exclude=exclude).nodes)


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("hero", {"hero"}),
        ("banner", BANNERS),
        ("banner/", BANNERS),
        ("banner/LUM-01", {"banner/LUM-01/en", "banner/LUM-01/de", "banner/LUM-01/ja"}),
        ("banner/LUM-01/ja", {"banner/LUM-01/ja"}),
        ("banner/market=ja", {"banner/LUM-01/ja", "banner/LUM-02/ja"}),
        ("banner/market=ja/product=LUM-02", {"banner/LUM-02/ja"}),
        ("banner/LUM-02/market=ja", {"banner/LUM-02/ja"}),
        ("scene/shape=16:9", {"scene/LUM-01/16:9", "scene/LUM-02/16:9"}),
        ("scene/*/16:9", {"scene/LUM-01/16:9", "scene/LUM-02/16:9"}),
        ("banner/*", set()),
        ("banner/**", BANNERS),
        ("banner/LUM-0[12]/e?", {"banner/LUM-01/en", "banner/LUM-02/en"}),
        ("banner/LUM-0[!1]/en", {"banner/LUM-02/en"}),
        ("*", {"hero", "banner-archive"}),
        ("**", {"hero", "banner-archive"} | SCENES | BANNERS),
        ("tag:web", SCENES),
        ("tag:launch", {"hero"} | SCENES),
        ("+scene/LUM-01/1:1", {"hero", "scene/LUM-01/1:1"}),
        ("scene/LUM-01/1:1+", {"scene/LUM-01/1:1"}),
        ("scene/LUM-01/16:9+", {"scene/LUM-01/16:9", "banner/LUM-01/en", "banner/LUM-01/de", "banner/LUM-01/ja"}),
        ("hero+", {"hero"} | SCENES | BANNERS),
        ("+banner/LUM-01/en", {"hero", "scene/LUM-01/16:9", "banner/LUM-01/en"}),
        ("+tag:web+", {"hero"} | SCENES | BANNERS),
    ],
)
def test_a_target_names(graph: Graph, target: str, meant: set[str]) -> None:
    if meant:
        assert chosen(graph, target) == meant
    else:
        with pytest.raises(UsageError):
            select(graph, [target])


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("board", BOARD),
        ("board#hands", {"board#hands"}),
        ("board#*", BOARD),
        ("board#[wf]*", {"board#wide", "board#face"}),
        ("board#2", {"board#hands"}),
        ("countdown#2", {"countdown#2"}),  # an id is stronger than a place, and it is the second one anyway
        ("countdown#3", {"countdown#3"}),  # the first one is called so
        ("reel", REEL),
        ("reel/ja", {"reel/ja#wide", "reel/ja#hands"}),
        ("reel/ja#2", {"reel/ja#hands"}),
        ("reel#1", {"reel/en#wide", "reel/ja#wide"}),
        ("reel/*#hands", {"reel/en#hands", "reel/ja#hands"}),
        ("reel/market=ja", {"reel/ja#wide", "reel/ja#hands"}),
        ("reel/market=ja#wide", {"reel/ja#wide"}),
        ("*/market=ja", {"reel/ja#wide", "reel/ja#hands", "banner/LUM-01/ja", "banner/LUM-02/ja"}),
        ("banner/market=[dj]*/product=LUM-01", {"banner/LUM-01/de", "banner/LUM-01/ja"}),
        ("tag:reel", REEL),
        ("*", {"hero", "banner-archive"}),
        ("board#face+", {"board#face"}),
    ],
)
def test_frames_are_named_by_id_glob_axis_and_position(target: str, meant: set[str]) -> None:
    assert chosen(FILMED, target) == meant


def test_no_target_means_everything(graph: Graph) -> None:
    selection = select(graph, [])
    assert selection.everything
    assert selection.nodes == set(graph.addresses)
    assert selection.named == set(), "nothing was named, so nothing approved is displaced by a cascade"


def test_only_what_was_written_down_is_named(graph: Graph) -> None:
    assert select(graph, ["+banner/LUM-01/en"]).named == {"banner/LUM-01/en"}
    assert select(graph, ["hero+"]).named == {"hero"}
    assert select(graph, ["scene"]).named == SCENES


def test_exclude_takes_away(graph: Graph) -> None:
    assert chosen(graph, "banner", exclude=("banner/market=ja",)) == {
        address for address in BANNERS if not address.endswith("/ja")
    }
    selection = select(graph, [], exclude=["tag:launch", "banner-archive"])
    assert selection.nodes == BANNERS
    assert selection.excluded == {"hero", "banner-archive"} | SCENES
    assert not selection.everything
    assert select(graph, ["hero", "banner-archive"], exclude=["hero"]).named == {"banner-archive"}


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("heroo", "did you mean `hero`?"),
        ("baner", "did you mean `banner`"),
        ("banner/LUM-01/jp", "`banner/LUM-01/ja`"),
        ("tag:nothing", "the tags are `launch`, `reel`, `web`"),
        ("banner/*", "`*` stays within a segment: `banner` names all of them, `banner/*/**` all below"),
        ("tag:lunch", "did you mean `tag:launch`?"),
        ("", "`seedpipe -v plan` lists the pictures"),
        ("banner/[z-a]", None),
        ("banner/[!]", None),
        ("banner/[^]", None),
        ("banner/[", None),
        ("banner/market=fr", "`market` is one of `en`, `de`, `ja`"),
        ("banner/country=ja", "the axes of `banner` are `product`, `market`"),
        ("board#hnds", "did you mean `board#hands`"),
        ("board#4", "the frames are `wide`, `hands`, `face`"),
        ("board#02", "the frames are `wide`, `hands`, `face`"),
        ("scene/LUM-01/16:9#1", None),
    ],
)
def test_a_target_that_names_nothing(target: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as raised:
        select(FILMED, [target])
    assert raised.value.message == f"`{target}` names no picture of this project"
    assert hint is None or hint in (raised.value.hint or "")
    with pytest.raises(UsageError):
        select(FILMED, [], exclude=[target])


TARGETS = st.text(st.sampled_from("hero/scn-LUM01:69+*?[]!^=#tagbmrkdj\\.board2"), max_size=12) | st.text(max_size=6)


@settings(max_examples=80, deadline=None)
@given(st.lists(TARGETS, max_size=3), st.lists(TARGETS, max_size=2))
def test_whatever_is_written_selects_or_is_refused(targets: list[str], exclude: list[str]) -> None:
    try:
        selection = select(FILMED, targets, exclude=exclude)
    except UsageError:
        return
    assert selection.named <= selection.nodes <= set(FILMED.addresses)
    assert not selection.nodes & selection.excluded


@settings(max_examples=80, deadline=None)
@given(st.sets(st.sampled_from(sorted({"hero", "banner-archive"} | SCENES | BANNERS)), min_size=1))
def test_plus_reaches_all_the_way_and_nothing_else(addresses: set[str]) -> None:
    above, below = (
        chosen(GRAPH, *(f"+{name}" for name in addresses)),
        chosen(GRAPH, *(f"{name}+" for name in addresses)),
    )
    for address in GRAPH.addresses:
        made_from, makes = GRAPH.everything_above([address]), GRAPH.everything_below([address])
        assert (address in above) == bool(makes & addresses)
        assert (address in below) == bool(made_from & addresses)
