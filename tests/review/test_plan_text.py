"""`plan`, `status` and `explain` as a person reads them: whole outputs in tests/golden/review."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.display import COLORED, PLAIN, display_width, without_colors
from seedpipe.names import Digest, Realm
from seedpipe.plan.obstacles import RefusedBefore
from seedpipe.plan.plan import Cost, Forecast, Plan, State
from seedpipe.plan.reasons import OutputAbsent, PromptChanged, ReferenceChanged, SameAs
from seedpipe.review.explain_text import ChoiceLine, TakeLine, explain_text
from seedpipe.review.graph_svg import graph_svg
from seedpipe.review.graphs import graph_mermaid, graph_text
from seedpipe.review.plan_markdown import plan_markdown
from seedpipe.review.plan_text import Caps, Period, plan_text
from seedpipe.review.rows import plan_rows
from seedpipe.review.status_text import UncertainCharge, status_text
from tests.review.goldens import check
from tests.review.plans import PRICE, image, lumen, made, many, plan_of, planned, source, troubled, usd

CAPS = Caps(run=usd("5"), periods=(Period(name="this month", spent=usd("3.12"), unsure=usd("0"), cap=usd("60")),))
PLANS = {"lumen": lumen, "troubled": troubled, "many": many}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", PLANS)
def test_plan(name: str, width: int) -> None:
    _, plan = PLANS[name]()
    check(f"plan-{name}-{width}.txt", plan_text(plan, width=width, caps=CAPS))


def test_plan_in_color() -> None:
    _, plan = troubled()
    text = plan_text(plan, style=COLORED, caps=CAPS)
    check("plan-troubled-80-color.txt", text)
    assert without_colors(text) == plan_text(plan, caps=CAPS)


def test_plan_of_every_node() -> None:
    _, plan = lumen()
    check("plan-lumen-verbose.txt", plan_text(plan, caps=CAPS, verbose=1))


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("verbose", [0, 1])
@pytest.mark.parametrize("width", [48, 57, 80, 200])
def test_no_line_is_too_wide_and_nothing_is_lost(name: str, verbose: int, width: int) -> None:
    _, plan = PLANS[name]()
    text = plan_text(plan, width=width, caps=CAPS, verbose=verbose)
    assert max(map(display_width, text.split("\n"))) <= width
    assert text == "\n".join(line.rstrip() for line in text.split("\n"))
    assert sum(len(row.nodes) for row in plan_rows(plan)) == len(plan.nodes)


@given(st.text(max_size=200), st.text(max_size=200), st.integers(48, 130))
def test_words_of_a_stranger_do_no_harm(old: str, new: str, width: int) -> None:
    node = image("hero", prompt=new)
    plan = plan_of([planned(node, State.MAKE, PromptChanged(old=old, new=new))])
    plan = replace(plan, project=new or "x")
    for text in (
        plan_text(plan, width=width),
        explain_text(plan.nodes["hero"], node, made_from={}, width=width),
        status_text(plan, outputs=f"build/{old}", width=width),
    ):
        assert not {unicodedata.category(char) for char in text.replace("\n", "")} & {"Cc", "Cs", "Zl", "Zp"}
        assert "\x1b" not in text and "\x9b" not in text and "\u202e" not in text
        assert max(map(display_width, text.split("\n"))) <= width


def test_up_to_date() -> None:
    graph, _ = lumen()
    done = plan_of([planned(node, State.CACHED) for node in graph])
    assert plan_text(done) == (
        "lumen · 21 pictures · seedream-4-5 at apiyi\n\n  everything is up to date · nothing will be sent"
    )
    assert "cached   banner/LUM-01/de" in plan_text(done, verbose=1)
    assert "**everything is up to date · nothing will be sent**" in plan_markdown(done)


def test_no_nodes() -> None:
    assert plan_text(plan_of([])) == "lumen · 0 pictures\n\n  the manifest names no pictures yet"
    assert "no pictures" in plan_markdown(plan_of([]))
    assert "no pictures yet" in status_text(plan_of([]), outputs="build/")


def test_a_proof_says_so() -> None:
    graph, plan = lumen()
    proof = replace(plan, realm=Realm.PROOF)
    check("plan-lumen-proof.txt", plan_text(proof, caps=CAPS))
    check("plan-lumen-proof.md", plan_markdown(proof))
    text = explain_text(proof.nodes["hero"], graph["hero"], made_from={}, realm=Realm.PROOF)
    assert "make: will be drawn\n" in text and "price       nothing; bought live 0.04 USD" in text
    assert "0.04" not in graph_text(graph, proof) + graph_svg(graph, proof) + graph_mermaid(graph, proof)
    done = replace(proof, nodes={"hero": planned(image("hero"), State.CACHED)}, cost=Cost.nothing("USD"))
    assert "0.00" not in plan_text(done, verbose=1) + plan_markdown(done)


def test_the_forecast_says_what_it_is_of() -> None:
    _, plan = lumen()
    assert plan_text(plan).endswith("\n  about 40 s")
    time = Forecast(seconds=40, workers=8, picture_seconds=15, by_catalogue=True)
    told = plan_text(replace(plan, time=time))
    assert told.endswith("\n  about 40 s: 8 requests at once, 15 s a picture (catalogue values)")
    told = plan_text(replace(plan, time=replace(time, by_catalogue=False, pictures=50)))
    assert told.endswith("\n  about 40 s: 8 requests at once, 15 s a picture (from your last 50 pictures)")
    told = plan_text(replace(plan, time=replace(time, pictures=50)))
    assert "up to 15 s a picture" in told
    assert told.endswith("catalogue values)")
    one = plan_of([planned(image("hero"), State.MAKE)], seconds=15)
    told = plan_text(replace(one, time=replace(time, seconds=15)))
    assert told.endswith("\n  about 15 s: 15 s a picture (catalogue values)")


def test_free_work_buys_nothing() -> None:
    graph, _ = lumen()
    state = {"derived": State.FREE}
    nodes = [planned(node, state.get(kind, State.CACHED)) for node in graph for kind in [_kind(node)]]
    assert plan_text(plan_of(nodes)).endswith("\n\n  buys nothing · makes 12 pictures here")
    absent = replace(planned(image("hero"), State.CACHED, OutputAbsent(path="build/hero.jpg")), writes=True)
    text = plan_text(plan_of([absent]))
    assert "cached   hero   build/hero.jpg is written again" in text
    assert text.endswith("buys nothing · writes 1 file")


def _kind(node: object) -> str:
    return {"DerivedNode": "derived"}.get(type(node).__name__, "other")


def test_over_the_cap() -> None:
    _, plan = lumen()
    text = plan_text(plan, caps=Caps(run=usd("0.1")))
    assert "0.28 USD expected, 0.28 at most    over the cap of 0.10" in text


def test_rows_of_one_entry_are_told_apart_by_what_differs() -> None:
    nodes = [(source(f"pack/P{number}"), State.CACHED, ()) for number in range(4)] + [
        (
            image(f"scene/P{number}/{shape}", [f"pack/P{number}"]),
            State.MAKE if shape == "16:9" else State.CACHED,
            (ReferenceChanged(address=f"pack/P{number}"),) if shape == "16:9" else (),
        )
        for number in range(4)
        for shape in ("16:9", "1:1")
    ]
    _, plan = made(nodes)
    row = plan_rows(plan)[0]
    assert (row.what, row.number, row.why) == ("scene/*/16:9", "×4", "pack/* is another picture now")
    fewer = replace(plan, nodes={**plan.nodes, "scene/P0/16:9": planned(image("scene/P0/16:9"), State.CACHED)})
    assert plan_rows(fewer)[0].number == "×3 of 4"


def test_few_different_edits_are_shown_one_by_one() -> None:
    def edited(number: int) -> Plan:
        return plan_of(
            [
                planned(image(f"a/{index}"), State.MAKE, PromptChanged(old="oak", new=f"wood {index}"))
                for index in range(number)
            ]
        )

    assert [row.why for row in plan_rows(edited(2))] == ["prompt: oak → wood 0", "prompt: oak → wood 1"]
    assert [row.why for row in plan_rows(edited(9))] == ["the prompt changed, in 9 ways"]


def test_a_request_id_is_for_explain_only() -> None:
    words = "The request failed because the output image may contain sensitive information. Request id: 02176abc"
    node = image("hero")
    plan = plan_of([planned(node, State.BLOCKED, RefusedBefore(refusal="OutputSensitive", message=words))])
    assert plan_rows(plan)[0].why == f"OutputSensitive: {words.partition(' Request')[0]}"
    assert "02176abc" in explain_text(plan.nodes["hero"], node, made_from={})


def test_same_shares() -> None:
    plan = plan_of([planned(image("a"), State.MAKE), planned(image("b"), State.SAME, SameAs(address="a"))])
    assert "same     b         asks for the same as a" in plan_text(plan)


@pytest.mark.parametrize("name", ["lumen", "troubled"])
def test_markdown(name: str) -> None:
    _, plan = PLANS[name]()
    check(f"plan-{name}.md", plan_markdown(plan, caps=CAPS))


def test_markdown_of_a_stranger() -> None:
    words = "@octocat fixes #1 <script>x</script> | ![i](https://x.example/i.png) `a` [l](u) **b**"
    plan = plan_of([planned(image("hero", prompt=words), State.MAKE, PromptChanged(old="x", new=words))])
    text = plan_markdown(replace(plan, project=words))
    for harm in ("@octocat", " #1", "<script", "![", "](", "https://", "**b**"):
        assert harm not in text, harm
    assert all(line.count(" | ") == 4 for line in text.split("\n") if line.startswith("| make"))


def test_status() -> None:
    _, plan = troubled()
    unsure = UncertainCharge(address="hero", since="2026-11-23T21:04:07.120Z", cost=PRICE, why="timed out")
    text = status_text(plan, outputs="build/", uncertain=[unsure], spent=usd("17.2"), caps=CAPS)
    check("status-troubled.txt", text)


@pytest.mark.parametrize("address", ["hero", "scene/LUM-01/16:9", "banner/LUM-01/ja", "logo"])
def test_explain(address: str) -> None:
    graph, plan = lumen()
    takes = [
        TakeLine(digest=Digest.of(b"1"), chosen=True, size="2848x1600", at="2026-11-20 10:00", cost="0.04 USD"),
        TakeLine(digest=Digest.of(b"2")),
    ]
    states = {name: plan.nodes[name].state for name in graph.made_from(address)}
    text = explain_text(
        plan.nodes[address],
        graph[address],
        made_from=states,
        makes=graph.makes(address),
        takes=takes if address == "hero" else (),
        choice=ChoiceLine(level="approved", who="Mika Ito", at="2026-11-21 09:30", note="lit well")
        if address == "hero"
        else None,
    )
    check(f"explain-{address.replace('/', '-').replace(':', 'x')}.txt", text)


def test_explain_japanese_in_color() -> None:
    graph, plan = troubled()
    check(
        "explain-tea-color.txt",
        explain_text(plan.nodes["tea"], graph["tea"], made_from={}, makes=graph.makes("tea"), style=COLORED),
    )
    assert "[-鉄-]{+真鍮+}の" in explain_text(plan.nodes["tea"], graph["tea"], made_from={}, style=PLAIN)


def test_what_does_not_fit_into_a_period_is_said_with_what_is_missing() -> None:
    _, plan = lumen()
    period = Period(name="today", spent=usd("0.40"), unsure=usd("0.16"), cap=usd("0.50"))
    text = plan_text(plan, caps=Caps(periods=(period,)))
    assert "today 0.40 of 0.50 (0.16 not settled), 0.18 over" in " ".join(text.split()), text
    fits = replace(period, cap=usd("0.68"))
    assert "over" not in plan_text(plan, caps=Caps(periods=(fits,)))
