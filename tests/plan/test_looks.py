"""The looks of one picture in a plan: which it is, what the others lack, what that costs, and what stands in the way."""

from dataclasses import replace

import pytest

from seedpipe.canonical import digest_of
from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.errors import ManifestError
from seedpipe.manifest.node import ImageNode
from seedpipe.names import Digest
from seedpipe.plan.choices import Candidate, kept, picked
from seedpipe.plan.compare_models import compare_models
from seedpipe.plan.grouping import group_by
from seedpipe.plan.key import Asked, request_document
from seedpipe.plan.memory import Waiting
from seedpipe.plan.plan import NO_TIME, PlanNode, without_purchases
from seedpipe.plan.present import Present, present_want
from seedpipe.state.lock import ImageEntry
from tests.plan.project import MODERATED, UNANSWERED, Project

LAMP = """
logo: {file: art/logo.png}
base: {prompt: A base}
hero: {prompt: "A {{ metal }} lamp on {{ refs.of }}", references: {of: base}, LOOKS}
card: {prompt: "{{ refs.hero }}", references: {hero: hero}}
"""
THREE = "looks: {plain: {}, tin: {metal: tin}, big: {metal: gold, tier: 4K}}"


def lamp(looks: str = THREE) -> Project:
    project = Project().write("art/logo.png", "a mark").images(LAMP.replace("LOOKS", looks))
    text = project.files.texts["seedpipe.yaml"].replace("size: 2K", "size: '{{ tier }}'")
    return project.write("seedpipe.yaml", text + "vars: {metal: brass, tier: 2K}\n")


@pytest.fixture
def project() -> Project:
    built = lamp()
    built.build()
    return built


def hero(project: Project, **wish: object) -> PlanNode:
    return project.plan(**wish).nodes["hero"]


def key_of(project: Project, look: str) -> Digest:
    key = next(one.key for one in hero(project).looks if one.name == look)
    assert key is not None
    return key


def present(project: Project) -> Present:
    node = project.graph()["hero"]
    assert isinstance(node, ImageNode)
    return present_want(node, project.plan(), project.graph(), project.resolver())


def put(project: Project, entry: ImageEntry) -> None:
    project.lock = replace(project.lock, entries={**project.lock.entries, "hero": entry})


def pick(project: Project, look: str) -> None:
    entry, chosen = project.entry("hero"), present(project).named(look)
    assert chosen.want is not None
    made = replace(entry.made, request=chosen.want)
    picture = Candidate(digest=entry.takes_for(chosen.want)[0], made=made, want=chosen.want)
    put(project, picked(entry, chosen, picture, pool=project.memory.takes(chosen.want)))


def sentences(node: PlanNode) -> list[str]:
    return [reason.sentence() for reason in node.reasons]


def test_the_key_of_a_look_is_that_of_the_plain_picture_with_its_words(project: Project) -> None:
    """Frozen with it: to put a picture into looks, or to take it out, buys nothing."""
    (base,) = project.entry("base").takes
    asked = Asked(model="seedream-4-5-251128", prompt="A tin lamp on image 1", size="2K")
    document = request_document(asked, [str(base)])
    assert list(document) == ["seedpipe", "model", "prompt", "size", "references"], "and nothing of looks"
    assert key_of(project, "tin") == digest_of(document)
    assert project.entry("hero").asked["prompt"] == str(Digest.of(b"A brass lamp on image 1"))


def test_each_look_is_priced_by_itself(project: Project) -> None:
    fresh = lamp()
    fresh.build("base")
    planned = hero(fresh)
    assert (planned.state, planned.look, planned.pictures) == ("make", "plain", 3)
    assert [(one.name, one.size, one.pictures) for one in planned.looks] == [
        ("plain", "2K", 1), ("tin", "2K", 1), ("big", "4K", 1),
    ]  # fmt: skip
    assert (
        planned.cost.low
        == planned.cost.high
        == sum((one.cost.high for one in planned.looks[1:]), planned.looks[0].cost.high)
    )
    assert sentences(planned) == ["new", "looks tin, big are new"]
    assert [one.request["prompt"] for one in planned.looks if one.request] == [
        "A brass lamp on image 1", "A tin lamp on image 1", "A gold lamp on image 1",
    ]  # fmt: skip
    assert (project.states()["hero"], hero(project).pictures) == ("cached", 0)


def test_takes_are_of_each_look(project: Project) -> None:
    project.edit("looks:", "takes: 2, looks:")
    planned = hero(project)
    assert (planned.state, planned.pictures, [one.pictures for one in planned.looks]) == ("make", 3, [1, 1, 1])
    assert sentences(planned) == ["look plain: has 1 of 2 takes", "looks tin, big have 1 of 2 takes"]
    assert project.states()["card"] == "cached"


def test_what_it_is_made_from_comes_only_now() -> None:
    planned = hero(lamp())
    assert (planned.state, planned.pictures, planned.key) == ("follows", 3, None)
    assert [one.key for one in planned.looks] == [None, None, None]
    assert not planned.by_cascade
    built = lamp()
    built.build()
    built.edit("A base", "A stone base")
    planned = hero(built)
    assert (planned.state, planned.pictures, planned.by_cascade) == ("follows", 3, True)
    built.build()
    assert hero(built).pictures == 0


def test_what_may_come_out_as_it_was_is_a_range_from_nothing(project: Project) -> None:
    """Its base is made again from a picture that may be as before: so may be all its looks."""
    project.edit(
        "base: {prompt: A base}", "base: {prompt: 'A base {{ refs.l }}', references: {l: core}}\n  core: {prompt: c}"
    )
    project.build()
    project.edit("core: {prompt: c}", "core: {prompt: c, references: [far]}\n  far: {prompt: f}")
    project.build()
    assert hero(project).pictures == 0
    project.memory.forget_bytes(project.entry("far").take)
    assert hero(project).pictures == 0, "what is missing above buys nothing below"


def test_one_edited_look_is_bought_alone_and_the_choice_stays(project: Project) -> None:
    before = project.entry("hero")
    project.edit("metal: tin", "metal: zinc")
    planned = hero(project)
    assert (planned.state, planned.pictures, planned.taken) == ("make", 1, before.take)
    assert project.states()["card"] == "cached"
    project.build()
    after = project.entry("hero")
    assert (after.take, after.look) == (before.take, "plain")
    assert set(before.also) < set(after.also), "the earlier take stays listed"
    assert hero(project).pictures == 0


def test_which_look_it_is_after_names_and_words_have_changed(project: Project) -> None:
    pick(project, "tin")
    assert hero(project).look == "tin"
    project.edit("tin: {", "grey: {")
    assert (hero(project).look, project.states()["hero"]) == ("grey", "cached"), "known by what was asked for it"
    project.edit("plain: {}", "tin: {}")
    assert hero(project).look == "grey", "and not by a name that something else has now"
    project.edit("metal: tin", "metal: zinc")
    assert hero(project).look == "tin", "words and name are gone: the line says which look it was"
    assert sentences(hero(project))[0] == "replaces an approved picture"
    project.edit("tin: {}, grey: {metal: zinc}, ", "")
    planned = hero(project)
    assert (planned.look, planned.state, planned.pictures) == ("big", "cached", 0), "its take is at hand"


def test_beside_a_persons_word_nothing_more_is_bought(project: Project) -> None:
    pick(project, "tin")
    project.edit("plain: {}", "plain: {metal: steel}")
    assert (hero(project).state, hero(project).pictures) == ("cached", 0)
    project.edit("metal: tin", "metal: zinc")
    assert hero(project).pictures == 2, "replaced for its own words: then all are candidates again"
    chosen = present(project)
    assert chosen.look == "tin"
    put(project, kept(project.entry("hero"), chosen))
    assert (hero(project).state, hero(project).pictures, hero(project).look) == ("cached", 0, "tin")
    project.pin("hero")
    project.edit("metal: zinc", "metal: lead")
    assert (hero(project).state, hero(project).pictures) == ("pinned", 0)


def test_kept_against_cascade_no_look_is_bought(project: Project) -> None:
    project.approve("hero")
    project.edit("A base", "A stone base")
    project.build("base")
    assert (hero(project).state, hero(project).pictures) == ("stale", 0)
    project.edit("references: {of: base}", "references: {of: base}, cascade: false")
    project.choose("hero", project.entry("base").level)
    assert (hero(project).state, hero(project).pictures) == ("stale", 0)


def test_a_refused_look_is_said_and_hinders_no_other() -> None:
    project = lamp()
    project.build("base")
    project.memory.refusals[key_of(project, "plain")] = MODERATED
    planned = hero(project)
    assert (planned.look, planned.state, planned.pictures) == ("tin", "make", 2), "the first that was not refused"
    assert project.states()["card"] == "follows"
    project.build()
    planned = hero(project)
    assert (planned.look, planned.state, planned.pictures) == ("tin", "blocked", 0)
    assert planned.reasons[0].code == "refused-before"
    assert planned.taken is not None
    assert project.states()["card"] == "cached"
    assert hero(project, retry_blocked=True).pictures == 1
    for look in ("tin", "big"):
        project.memory.refusals[key_of(project, look)] = MODERATED
    project.lock = replace(project.lock, entries={"base": project.entry("base")})
    project.memory.pool = {project.entry("base").want: [project.entry("base").take]}
    assert project.states() == {"base": "cached", "hero": "blocked", "card": "blocked"}


def test_an_open_charge_of_any_look_is_for_a_person(project: Project) -> None:
    project.edit("metal: tin", "metal: zinc")
    project.memory.open_requests[key_of(project, "tin")] = UNANSWERED
    planned = hero(project)
    assert (planned.state, planned.pictures) == ("unknown", 0)
    assert project.states()["card"] == "cached", "the picture itself is there"
    assert hero(project, retry_unknown=True).pictures == 1


def test_a_look_that_is_paid_and_still_at_the_provider_is_not_bought(project: Project) -> None:
    project.edit("metal: tin", "metal: zinc")
    project.memory.paid_for[key_of(project, "tin")] = Waiting(until="2026-11-24 21:04 UTC", cost="0.04 USD")
    planned = hero(project)
    assert (planned.state, planned.pictures) == ("cached", 0)
    assert planned.reasons[-1].code == "paid-waits"


def test_takes_that_are_there_come_into_the_line(project: Project) -> None:
    """Paid for as another picture, or before a crash: nothing is bought, the lock learns of them."""
    entry = project.entry("hero")
    put(project, replace(entry, also={}))
    planned = hero(project)
    assert (planned.state, planned.pictures, planned.writes) == ("cached", 0, True)
    project.build()
    assert project.entry("hero").also == entry.also
    assert not project.plan().has_changes


def test_of_a_picture_that_nobody_selected_no_look_is_bought(project: Project) -> None:
    project.edit("metal: tin", "metal: zinc")
    project.edit('card: {prompt: "', 'card: {prompt: "A card, ')
    plan = project.plan("card")
    assert "base" not in plan.nodes, "not even looked at"
    assert (plan.nodes["hero"].state, plan.nodes["hero"].look, plan.pictures) == ("cached", "plain", 1)
    assert project.plan("hero").pictures == 1
    assert project.plan("+card").pictures == 2


def test_a_gate_above_one_look_has_that_look_wait() -> None:
    project = lamp("looks: {plain: {}, tin: {metal: tin}}")
    project.edit("references: {of: base}", "references: {of: \"{{ 'logo' if metal == 'brass' else 'base' }}\"}")
    project.edit("base: {prompt: A base}", "base: {prompt: A base, gate: approve}")
    planned = hero(project)
    assert (planned.state, planned.pictures, planned.look) == ("make", 1, "plain")
    project.build()
    planned = hero(project)
    assert (planned.state, planned.pictures) == ("waits", 0)
    assert planned.taken is not None
    project.approve("base")
    assert (hero(project).state, hero(project).pictures) == ("make", 1)


def test_without_purchases_a_picture_is_what_it_is(project: Project) -> None:
    project.edit("metal: tin", "metal: zinc")
    project.memory.outputs.pop(hero(project).output or "")
    free = without_purchases(project.plan())
    assert (free.nodes["hero"].state, free.nodes["hero"].pictures, free.nodes["hero"].writes) == ("cached", 0, True)
    assert "card" in free.nodes


def test_looks_of_several_models_are_told_by_model() -> None:
    project = lamp("model: '{{ model }}', looks: {plain: {}, four: {model: seedream-4-0, tier: 4K}}")
    text = project.files.texts["seedpipe.yaml"]
    project.write("seedpipe.yaml", text.replace("vars: {", "vars: {model: seedream-4-5, "))
    plan = project.plan("+hero")
    groups = {group.value: (group.pictures, str(group.cost.high)) for group in group_by(plan, "model").groups}
    assert groups == {"seedream-4-5-251128": (2, "0.08 USD"), "seedream-4-0-250828": (1, "0.03 USD")}
    compared = compare_models(plan, graph=project.graph(), catalogue=load_catalogue(), timed=lambda _plan: NO_TIME)
    prices = {price.model: (price.used, price.pictures, str(price.cost.high)) for price in compared.models}
    assert prices["seedream-4-5-251128"] == (2, 3, "0.12 USD")
    assert prices["seedream-4-0-250828"][0] == 1


def test_looks_are_counted_before_they_are_made() -> None:
    values = ", ".join(map(str, range(300)))
    looks = ", ".join(f"l{number}: {{metal: m{number}}}" for number in range(20))
    project = Project().images(
        f"m: {{matrix: {{a: [{values}], b: [{values}]}}, prompt: '{{{{ metal }}}}', looks: {{{looks}}}}}"
    )
    project.write("seedpipe.yaml", project.files.texts["seedpipe.yaml"] + "vars: {metal: brass}\n")
    with pytest.raises(ManifestError) as raised:
        project.graph()
    assert "the matrix of `m` makes 1,800,000 items" in raised.value.faults[-1].message


def test_takes_that_another_node_has_more_of_are_no_work_for_a_look() -> None:
    """Else a build that was complete left a line to write, in every project where a look's words stand elsewhere, too."""
    project = Project().images(
        "hero: {prompt: 'A {{ m }} lamp', looks: {p: {}, q: {m: tin}}}\ntin: {prompt: A tin lamp, takes: 2}"
    )
    project.write("seedpipe.yaml", project.files.texts["seedpipe.yaml"] + "vars: {m: brass}\n")
    assert project.plan().pictures == 3
    project.build()
    assert not project.plan().has_changes
