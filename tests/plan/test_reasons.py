"""Reasons: what differs between the request that was made and the one that is asked for, in words and as data."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.plan.document_changes import compare_documents
from seedpipe.plan.key import DEFAULTS_1, Asked, remembered_document, request_document
from seedpipe.plan.reason import Reason
from seedpipe.plan.reasons import FieldChanged, PromptChanged, ReferenceChanged, ReferencesChanged
from seedpipe.plan.worddiff import words_changed
from tests.plan.project import Project

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
LAMP = Asked(model="seedream-4-5-251128", prompt="A lamp in matte steel", size="2048x2048")


def compared(
    before: Asked, after: Asked, old: list[str], new: list[str], *, words: str | None = None
) -> tuple[Reason, ...]:
    return compare_documents(
        remembered_document(request_document(before, old)),
        request_document(after, new),
        old_words={} if words is None else {"prompt": words},
        defaults=DEFAULTS_1,
        references=[f"ref-{number}" for number in range(1, len(new) + 1)],
    )


def test_each_thing_that_differs_is_a_reason_of_its_own() -> None:
    brass = Asked(
        model="seedream-4-0-250828",
        prompt="A lamp in brushed brass",
        size="4096x4096",
        watermark=True,
        seed=7,
    )
    found = compared(LAMP, brass, [A], [B], words=LAMP.prompt)
    assert found == (
        PromptChanged(old=LAMP.prompt, new=brass.prompt),
        FieldChanged(field="model", old="seedream-4-5-251128", new="seedream-4-0-250828"),
        FieldChanged(field="size", old="2048x2048", new="4096x4096"),
        FieldChanged(field="watermark", old="off", new="on"),
        FieldChanged(field="seed", old="none", new="7"),
        ReferenceChanged(address="ref-1"),
    )
    assert [reason.sentence() for reason in found] == [
        "prompt: matte steel → brushed brass",
        "model: seedream-4-5-251128 → seedream-4-0-250828",
        "size: 2048x2048 → 4096x4096",
        "watermark: off → on",
        "seed: none → 7",
        "ref-1 is another picture now",
    ]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ([A], [A, B], "references: + ref-2"),
        ([A, B], [], "references: 2 → 0"),
        ([A, B], [B, A], "the references stand in another order"),
        ([A, B], [A, C], "ref-2 is another picture now"),
        ([A, A], [A, B], "ref-2 is another picture now"),
    ],
)
def test_references_are_told_by_number_order_or_name(old: list[str], new: list[str], sentence: str) -> None:
    (reason,) = compared(LAMP, LAMP, old, new)
    assert reason.sentence() == sentence
    assert isinstance(reason, ReferencesChanged | ReferenceChanged)


def test_references_are_named_where_the_lock_knows_whose_they_were() -> None:
    project = Project()
    for name in ("logo", "mark", "seal"):
        project.write(f"art/{name}.png", name)
    project.images("""
logo: {file: art/logo.png}
mark: {file: art/mark.png}
seal: {file: art/seal.png}
hero: {prompt: A lamp, references: [logo]}
""")
    project.build()
    project.edit("[logo]", "[logo, mark]")
    assert project.why("hero") == ["references: + mark"]
    project.edit("[logo, mark]", "[mark, seal]")
    assert project.why("hero") == ["references: + mark, + seal, − logo"]
    (reason,) = project.plan().nodes["hero"].reasons
    assert reason.to_dict() == {
        "code": "references-changed",
        "sentence": "references: + mark, + seal, − logo",
        "before": 1,
        "after": 2,
        "added": ["mark", "seal"],
        "removed": ["logo"],
    }
    project.edit("[mark, seal]", "[mark]")
    assert project.why("hero") == ["references: + mark, − logo"], "another reference is no other picture of the same"


def test_a_machine_that_never_saw_the_old_words_still_knows_that_they_changed() -> None:
    project = Project().images("hero: {prompt: A lamp in matte steel}")
    project.build()
    project.edit("matte steel", "brushed brass")
    assert project.why("hero") == ["prompt: matte steel → brushed brass"]
    project.memory.texts.clear()
    assert project.why("hero") == ["the prompt changed"]
    (reason,) = project.plan().nodes["hero"].reasons
    assert reason.to_dict() == {
        "code": "prompt-changed",
        "sentence": "the prompt changed",
        "new": "A lamp in brushed brass",
    }


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("a lamp", "a brass lamp", "+ brass"),
        ("a brass lamp", "a lamp", "− brass"),
        ("a b c d e f g h i", "A b C d E f G h I", "a → A, c → C, e → E, 2 more"),
        ("one", "one two three four five six seven eight", "+ two three four five six seven …"),
        ("one line", "one\nline", "line breaks"),
        ("like image 1 and image 2", "like image 1, image 2 and image 3", "+ image 2, 2 → 3"),
        ("image 1, image 2 and image 3", "image 1 and image 2", "“,” → and, − and image 3"),
        ("a lamp", "a lamp,", "+ “,”"),
    ],
)
def test_changed_words_are_few_and_to_the_point(old: str, new: str, told: str) -> None:
    assert words_changed(old, new) == told


WORDS = st.lists(st.sampled_from(["lamp", "brass", "oak", "on", "灯"]), max_size=12)


@given(WORDS, WORDS)
def test_what_is_told_of_changed_words_stands_in_them(old: list[str], new: list[str]) -> None:
    told = words_changed(" ".join(old), " ".join(new))
    if old == new:
        assert told == "line breaks"
        return
    shown = re.findall(r"lamp|brass|oak|on|灯", re.sub(r"\d+ more", "", told))
    assert set(shown) <= {*old, *new}
    assert 0 < len(shown) <= 3 * 12


ASKED = st.builds(
    Asked,
    model=st.sampled_from(["seedream-4-5-251128", "seedream-4-0-250828"]),
    prompt=st.sampled_from(["A lamp", "A brass lamp"]),
    size=st.sampled_from(["2048x2048", "2K"]),
    watermark=st.booleans(),
    optimize_prompt=st.sampled_from(["standard", "fast"]),
    seed=st.sampled_from([None, 0, 7]),
    variant=st.sampled_from([None, "b"]),
)
REFERENCES = st.lists(st.sampled_from([A, B, C]), max_size=3)


@given(ASKED, ASKED, REFERENCES, REFERENCES)
def test_there_is_a_reason_exactly_where_the_key_differs(
    before: Asked, after: Asked, old: list[str], new: list[str]
) -> None:
    reasons = compared(before, after, old, new, words=before.prompt)
    assert bool(reasons) == (request_document(before, old) != request_document(after, new))
    for reason in reasons:
        told = json.loads(json.dumps(reason.to_dict()))
        assert (told["code"], told["sentence"]) == (reason.code, reason.sentence())
