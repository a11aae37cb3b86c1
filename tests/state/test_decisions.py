"""The record of decisions: its bytes, what a crash or a hand leaves of it, and what it tells."""

import json
import resource
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.errors import StateError, UsageError
from seedpipe.names import Digest
from seedpipe.state.decisionfile import UNION_LINE, append_decisions, keep_both_sides, load_decisions
from seedpipe.state.decisions import (
    Decision,
    Verb,
    act_named,
    acts,
    decided_by,
    earlier_names,
    level_before_pin,
    line_id,
    new_act,
    read_decisions,
    undone,
    write_decision,
)
from seedpipe.state.lock import DerivedEntry, ImageEntry, Level, Made

NAME = "seedpipe.decisions.jsonl"


def digest(number: int) -> Digest:
    return Digest(f"{number:064x}")


def entry(take: int = 1, level: Level = Level.AUTO, **changes: object) -> ImageEntry:
    made = Made(
        request=digest(9), model="seedream-4-0-250828", provider="apiyi", size="1024x1024", at="2026-11-23T10:00Z"
    )
    first = ImageEntry(want=digest(9), own=digest(8), take=digest(take), level=level, made=made, takes=(digest(take),))
    return replace(first, **changes)


def decision(id_: str = "aaaaaaaa", minute: int = 0, **changes: object) -> Decision:
    first = Decision(
        id=id_, at=f"2026-11-24T10:{minute:02}:00.000Z", who="Mika Ito <mika@example.com>", verb=Verb.PICK, node="hero",
        take=digest(2), before=entry(1), after=entry(2, Level.APPROVED),
    )  # fmt: skip
    return replace(first, **changes)


entries = st.builds(entry, st.integers(1, 9), st.sampled_from(Level))
values = st.none() | st.just("seedream-4-5-251128") | entries | st.just(DerivedEntry(recipe=digest(1), take=digest(2)))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
decisions = st.builds(
    Decision,
    id=st.builds(line_id, st.sampled_from(["aaaa", "bbbb", "cccc"]), st.integers(1, 12)),
    at=st.sampled_from(["2026-11-24T10:00:00.000Z", "2026-11-24T10:00:00.001Z"]),
    who=texts,
    verb=st.sampled_from([verb.value for verb in Verb]) | st.just("a verb of a later seedpipe"),
    node=st.sampled_from(["hero", "scene/0140/16:9", "board#hands", "@resolved/model/seedream-4-5"]),
    take=st.none() | st.just(digest(2)),
    note=st.none() | texts,
    before=values,
    after=values,
    undoes=st.none() | st.just("aaaa"),
    other=st.none() | st.just("draft"),
    file=st.none() | st.just(digest(3)),
)


def test_the_form_is_frozen() -> None:
    line = write_decision(decision(note="the shade is right"))
    assert json.loads(line) == {
        "seedpipe_decision": 1,
        "id": "aaaaaaaa",
        "at": "2026-11-24T10:00:00.000Z",
        "who": "Mika Ito <mika@example.com>",
        "verb": "pick",
        "node": "hero",
        "take": str(digest(2)),
        "note": "the shade is right",
        "before": entry(1).to_dict(),
        "after": entry(2, Level.APPROVED).to_dict(),
    }
    assert line.endswith("}\n") and "\n" not in line[:-1]
    assert list(json.loads(line)) == sorted(json.loads(line)), "canonical: equal decisions are equal bytes"


@given(st.lists(decisions))
def test_what_is_written_is_read(written: list[Decision]) -> None:
    text = "".join(map(write_decision, written))
    read = read_decisions(text, file=NAME)
    first = {one.id: one for one in reversed(written)}
    assert {one.id: one for one in read} == first
    assert [one.at for one in read] == sorted(one.at for one in read)


@given(st.lists(decisions, unique_by=lambda one: one.id), st.lists(decisions, unique_by=lambda one: one.id), st.data())
def test_a_union_merge_in_any_order_reads_the_same(
    ours: list[Decision], theirs: list[Decision], data: st.DataObject
) -> None:
    known = {one.id for one in ours}
    theirs = [*ours, *(one for one in theirs if one.id not in known)]  # both sides have what stood before
    lines = [write_decision(one) for one in [*ours, *theirs]]
    mixed = data.draw(st.permutations(lines))
    assert read_decisions("".join(mixed), file=NAME) == read_decisions("".join(lines), file=NAME)


@given(decisions, st.data())
def test_a_torn_last_line_is_left_out_and_makes_room(last: Decision, data: st.DataObject) -> None:
    first = write_decision(decision("first"))
    line = write_decision(replace(last, id="last")).encode()
    cut = data.draw(st.integers(0, len(line) - 2))
    torn = first.encode() + line[:cut]
    text = torn.decode(errors="ignore") if b"\\" in line else torn.decode("utf-8", "replace")
    assert [one.id for one in read_decisions(text, file=NAME)] == ["first"]


def test_a_line_is_added_behind_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / NAME
    append_decisions(path, [decision("one")], shown_as=NAME)
    whole = path.read_bytes()
    for tail in (b"", whole[:-20], '{"note":"läß'.encode()[:-1]):
        path.write_bytes(whole + tail)
        append_decisions(path, [decision("two", 1), decision("two-2", 1)], shown_as=NAME)
        assert path.read_bytes().startswith(whole)
        assert [one.id for one in load_decisions(path, shown_as=NAME)] == ["one", "two", "two-2"]
    path.write_bytes(whole[:-1])  # an editor that strips the last line break tears nothing
    append_decisions(path, [decision("two", 1)], shown_as=NAME)
    assert [one.id for one in load_decisions(path, shown_as=NAME)] == ["one", "two"]


def test_what_the_disk_refuses_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "seedpipe.decisions.jsonl"
    append_decisions(path, [decision("a")], shown_as=path.name)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (len(before) + 50, hard)
    )  # what is longer is written in part, then refused
    try:
        with pytest.raises(StateError, match="nothing was decided"):
            append_decisions(path, [decision("b")], shown_as=path.name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before


def test_a_torn_letter_is_no_damage_and_a_broken_line_is(tmp_path: Path) -> None:
    path = tmp_path / NAME
    line = write_decision(decision(note="läßt"))
    path.write_bytes(line.encode() + line.encode()[: line.encode().index("ä".encode()) + 1])
    assert len(load_decisions(path, shown_as=NAME)) == 1
    path.write_bytes(b"\xff\n" + line.encode())
    with pytest.raises(StateError, match="not UTF-8"):
        load_decisions(path, shown_as=NAME)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("{}\n", "`seedpipe_decision` is missing"),
        ('{"seedpipe_decision":1}\n', "`id` is missing"),
        ("[]\n", "can't be read"),
        ("nonsense\n", "can't be read"),
        (write_decision(decision()).replace("sha256:", "md5:", 1), "is not a digest"),
        ('{"seedpipe_decision":2,"id":"x"}\n', "of format 2; this seedpipe reads up to format 1"),
        ("<<<<<<< HEAD\n", "conflict markers"),
        ("[" * 100_000 + "\n", "can't be read"),
    ],
)
def test_what_a_hand_has_broken_is_named_with_its_line(broken: str, message: str) -> None:
    with pytest.raises(StateError, match=message) as caught:
        read_decisions(write_decision(decision("fine")) + broken, file=NAME)
    if "format 2" not in message:
        assert caught.value.position is not None and caught.value.position.line == 2


def test_nothing_is_written_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError, match="nothing was decided"):
        append_decisions(tmp_path / NAME, [decision()], shown_as=NAME)
    assert not (tmp_path / "elsewhere").exists()


# ------------------------------------------------------------------------------------------- git keeps both sides


def git(folder: Path, *arguments: str) -> str:
    ran = subprocess.run(
        ["git", "-c", "user.name=Mika", "-c", "user.email=mika@example.com", *arguments],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ran.stdout


@pytest.mark.parametrize("name", [NAME, "seedpipe.draft.decisions.jsonl"])
def test_two_branches_merge_without_a_conflict(tmp_path: Path, name: str) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    path = tmp_path / name
    append_decisions(path, [decision("base")], shown_as=name)
    assert "wrote `.gitattributes`" in str(keep_both_sides(tmp_path, tmp_path, name))
    assert keep_both_sides(tmp_path, tmp_path, name) is None
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "base")
    git(tmp_path, "switch", "-qc", "other")
    append_decisions(path, [decision("theirs", 1)], shown_as=name)
    git(tmp_path, "commit", "-qam", "theirs")
    git(tmp_path, "switch", "-q", "main")
    path.write_bytes(path.read_bytes()[:-1])  # and an editor was here
    append_decisions(path, [decision("ours", 2)], shown_as=name)
    git(tmp_path, "commit", "-qam", "ours")
    git(tmp_path, "merge", "-q", "other")
    assert [one.id for one in load_decisions(path, shown_as=name)] == ["base", "theirs", "ours"]


def test_an_attributes_file_of_somebody_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitattributes").write_text("*.png binary\n")
    assert UNION_LINE in str(keep_both_sides(tmp_path, tmp_path, NAME))
    assert (tmp_path / ".gitattributes").read_text() == "*.png binary\n"
    (tmp_path / ".gitattributes").write_text(f"*.png binary\n{NAME} merge=union\n")
    assert keep_both_sides(tmp_path, tmp_path, NAME) is None
    project = tmp_path / "film"
    project.mkdir()
    assert keep_both_sides(project, tmp_path, NAME) is None, "the work tree's own file holds below it"
    assert keep_both_sides(tmp_path / "film", tmp_path / "film", NAME) is None, "no git, no advice"


# ------------------------------------------------------------------------------------------------ what it tells


def test_an_undo_that_was_taken_back_takes_nothing_back() -> None:
    pick = decision("pick")
    undo = decision("undo", 1, verb=Verb.UNDO, undoes="pick", before=pick.after, after=pick.before)
    redo = decision("redo", 2, verb=Verb.UNDO, undoes="undo", before=undo.after, after=undo.before)
    assert undone(acts([pick])) == set()
    assert undone(acts([pick, undo])) == {"pick"}
    assert undone(acts([pick, undo, redo])) == {"undo"}


@given(st.permutations(range(5)))
def test_what_was_taken_back_is_known_though_clocks_disagree(minutes: list[int]) -> None:
    """A pick, its undo, and the undo of that, from machines whose clocks stand as they like."""
    ids = ["pick", "undo", "redo", "other", "gone"]
    undoes = {"undo": "pick", "redo": "undo", "gone": "other"}
    written = [
        decision(one, minute, verb=Verb.UNDO if one in undoes else Verb.PICK, undoes=undoes.get(one))
        for one, minute in zip(ids, minutes, strict=True)
    ]
    text = "".join(map(write_decision, written))
    assert undone(acts(read_decisions(text, file=NAME))) == {"undo", "other"}


def test_undos_in_a_circle_end() -> None:
    """Only a hand writes such lines."""
    circle = [decision("aaaa", undoes="bbbb"), decision("bbbb", undoes="aaaa")]
    assert undone(acts(circle)) <= {"aaaa", "bbbb"}


def test_an_act_is_found_by_the_beginning_of_its_id() -> None:
    history = acts([decision("abcd"), decision("abcd-2"), decision("abxy", 1)])
    assert [len(act.lines) for act in history] == [2, 1]
    assert act_named(history, "abcd-2").id == "abcd"
    assert act_named(history, "abx").id == "abxy"
    with pytest.raises(UsageError, match="begins the ids of 2 decisions"):
        act_named(history, "ab")
    with pytest.raises(UsageError, match="there is no decision `zz`"):
        act_named(history, "zz")


@given(st.sampled_from([Level.AUTO, Level.APPROVED]))
def test_unpin_goes_back_to_what_was_pinned(level: Level) -> None:
    pinned = entry(1, Level.PINNED)
    pin = decision("pin", verb=Verb.PIN, before=entry(1, level), after=pinned)
    again = decision("again", 1, verb=Verb.PIN, before=pinned, after=pinned)
    assert level_before_pin([pin, again], ["hero"], pinned) is level
    assert level_before_pin([pin, again], ["hero"], entry(2, Level.PINNED)) is Level.APPROVED, (
        "another was chosen since"
    )
    assert level_before_pin([], ["hero"], pinned) is Level.APPROVED, "somebody has pinned it, so somebody has looked"
    assert level_before_pin([pin], ["scene"], pinned) is Level.APPROVED


def test_who_made_the_choice_what_it_is() -> None:
    pick = decision("pick")
    pin = decision("pin", 1, verb=Verb.PIN, before=entry(2, Level.APPROVED), after=entry(2, Level.PINNED))
    undo = decision("undo", 2, verb=Verb.UNDO, undoes="pin", before=pin.after, after=pin.before)
    assert decided_by([pick, pin], ["hero"], entry(2, Level.PINNED)) == pin
    assert decided_by([pick, pin, undo], ["hero"], entry(2, Level.APPROVED)) == pick
    assert decided_by([pick], ["hero"], entry(1)) is None


def test_a_moved_address_keeps_its_history() -> None:
    moves = [
        decision("one", verb=Verb.MOVE, node="lamp", other="hero", before=None),
        decision("one-2", verb=Verb.MOVE, node="hero", other="lamp", after=None),
        decision("two", 1, verb=Verb.MOVE, node="still", other="lamp", before=None),
    ]
    assert earlier_names(moves, "still") == ("still", "lamp", "hero")
    assert earlier_names(moves, "hero") == ("hero",)
    assert earlier_names(moves, "hero", [("desk", "hero"), ("table", "desk")]) == ("hero", "desk", "table")
    group = [("scene", "shot"), ("board", "story")]
    assert earlier_names(moves, "shot/a", group) == ("shot/a", "scene/a")
    assert earlier_names(moves, "story#wide", group) == ("story#wide", "board#wide")
    assert earlier_names(moves, "shots", group) == ("shots",)


def test_a_pin_is_remembered_under_the_name_that_the_picture_had_then() -> None:
    pinned = entry(1, Level.PINNED)
    pin = decision("pin", verb=Verb.PIN, node="lamp", before=entry(1, Level.AUTO), after=pinned)
    assert level_before_pin([pin], ["hero"], pinned) is Level.APPROVED
    assert level_before_pin([pin], ["hero", "lamp"], pinned) is Level.AUTO


def test_ids_are_random_and_can_be_typed() -> None:
    names = {new_act() for _ in range(1000)}
    assert len(names) == 1000
    assert all(len(name) == 8 and name.isalnum() for name in names)
