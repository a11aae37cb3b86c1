"""What costs nothing, in a plan: sources, which are read or fetched, and pictures derived by local steps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from seedpipe.canonical import digest_of
from seedpipe.manifest.node import DerivedNode, SourceNode
from seedpipe.manifest.steps import Text
from seedpipe.names import Digest
from seedpipe.plan import reasons as why
from seedpipe.plan.key import Identity, recipe_document, recipe_identity
from seedpipe.plan.memory import OutputState, Whereabouts
from seedpipe.plan.outputs import made_of
from seedpipe.plan.plan import PlanNode, State
from seedpipe.plan.reason import Reason
from seedpipe.plan.recipe_changes import compare_recipes, compare_steps
from seedpipe.plan.walk import View, Walk
from seedpipe.state.lock import DerivedEntry


def plan_source(walk: Walk, node: SourceNode) -> PlanNode:
    """A file is there; a URL is fetched once and then pinned by the lock."""
    planned = walk.blank(node)
    entry = walk.lock.source(node.address)
    if node.path is not None:
        digest = walk.memory.source_digest(node.path)
        if entry is not None and entry.digest != digest and entry.pixels == walk.memory.source_pixels(node.path):
            digest = entry.digest  # only metadata changed: no reason to buy anything again
        walk.views[node.address] = View(identity=str(digest))
        return replace(planned, taken=digest)
    pinned = entry.digest if entry is not None and entry.url == node.url else None
    fetched = pinned or walk.memory.fetched(node.url or "")
    if fetched is not None and walk.memory.whereabouts(fetched, None) is Whereabouts.STORE:
        walk.views[node.address] = View(identity=str(fetched))
        return replace(planned, taken=fetched)
    identity = None if fetched is None else str(fetched)
    walk.views[node.address] = View(
        identity=identity, future=f"url:{node.url}", fetched_later=True, may_be_as_before=True
    )
    return replace(planned, state=State.FETCH, taken=fetched)


def plan_derived(walk: Walk, node: DerivedNode) -> PlanNode:
    """Known by its recipe as soon as its inputs are known."""
    identities = [walk.views[address].identity for address in node.inputs]
    known = [identity for identity in identities if identity is not None]
    entry = walk.lock.derived(node.address)
    if len(known) < len(identities):
        return _later(walk, node, entry)
    return _known(walk, node, entry, _document(walk, node, known))


def _document(walk: Walk, node: DerivedNode, inputs: Sequence[Identity]) -> Mapping[str, Any]:
    fonts = {step.font: walk.memory.font_digest(step.font) for step in node.steps if isinstance(step, Text)}
    return recipe_document(node, inputs, fonts)


def _known(walk: Walk, node: DerivedNode, entry: DerivedEntry | None, document: Mapping[str, Any]) -> PlanNode:
    recipe = digest_of(document)
    planned = replace(walk.blank(node), key=recipe)
    view = View(identity=recipe_identity(recipe))
    walk.views[node.address] = view
    taken, state = walk.memory.recipe(recipe), State.CACHED
    if taken is None and entry is not None and entry.recipe == recipe:
        where = walk.memory.whereabouts(entry.take, planned.output)
        taken = entry.take if where is not Whereabouts.NOWHERE else None
        state = State.FETCH if where is Whereabouts.OUTPUT else State.CACHED
    planned = replace(planned, taken=taken)
    wanted = entry.output if entry is not None and entry.output is not None and entry.take == taken else taken
    output = walk.output(planned, wanted, _pictures(entry), None if taken is None else made_of(taken, None))
    if output is OutputState.FOREIGN:
        walk.views[node.address] = view if taken is not None else replace(view, stopped=State.EDITED)
        return walk.edited(planned)
    if taken is not None:
        return walk.kept(replace(planned, state=state), output)
    stopped = walk.stopped(node.inputs)
    if stopped is not None:
        walk.views[node.address] = replace(view, stopped=stopped[0])
        return replace(planned, state=stopped[0], reasons=(stopped[1],))
    reasons: tuple[Reason, ...] = (why.New(),)
    if entry is not None and entry.recipe == recipe:
        reasons = (why.OutputAbsent(path=planned.output or ""),)
    elif entry is not None:
        before = walk.memory.recipe_asked(entry.recipe)
        reasons = compare_recipes(before, document, inputs=node.inputs, called=partial(walk.called, near=node.inputs))
    return replace(planned, state=State.FREE, reasons=reasons, writes=True)


def _later(walk: Walk, node: DerivedNode, entry: DerivedEntry | None) -> PlanNode:
    """Something that it is made from comes only in this build."""
    planned = walk.blank(node)
    stopped = walk.stopped(node.inputs)
    if walk.output(planned, None, _pictures(entry)) is OutputState.FOREIGN:
        walk.views[node.address] = View(identity=None, stopped=State.EDITED)
        return walk.edited(planned)
    if stopped is not None:
        walk.views[node.address] = View(identity=None, stopped=stopped[0])
        return replace(planned, state=stopped[0], reasons=(stopped[1],))
    inputs = [walk.views[address] for address in node.inputs]
    as_before = all(view.may_be_as_before for view in inputs if view.identity is None)
    supposed = [view.identity or view.future for view in inputs]
    document = _document(walk, node, [identity for identity in supposed if identity is not None])
    walk.views[node.address] = View(
        identity=None,
        future=recipe_identity(digest_of(document)),
        may_be_as_before=as_before,
        comes_at_least=all(view.comes_at_least for view in inputs),
        comes_usually=all(view.comes_usually for view in inputs),
    )
    own = _own_changes(walk, node, entry, document) if entry is not None else ()
    return replace(planned, state=State.FREE, reasons=(*own, *walk.coming(node.inputs)), writes=True)


def _own_changes(walk: Walk, node: DerivedNode, entry: DerivedEntry, document: Mapping[str, Any]) -> tuple[Reason, ...]:
    """What changed in its own steps, while what it is made from comes only in this build."""
    locked = [walk.locked(address) for address in node.inputs]
    if digest_of({**document, "inputs": locked}) == entry.recipe:
        return ()  # known without a look at what is remembered: many follow one picture
    before = walk.memory.recipe_asked(entry.recipe)
    return tuple(compare_steps(before["steps"], document["steps"])) if before is not None else ()


def _pictures(entry: DerivedEntry | None) -> tuple[Digest | None, ...]:
    return () if entry is None else (entry.take, entry.output)
