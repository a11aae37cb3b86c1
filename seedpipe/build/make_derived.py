"""Derived pictures: the steps of a recipe run here, for nothing; the first bytes made for a recipe are kept."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedpipe.build.pictures import Pictures, Present
from seedpipe.build.report import Report
from seedpipe.canonical import canonical_json, digest_of
from seedpipe.images.steps import run_steps
from seedpipe.manifest.node import DerivedNode
from seedpipe.manifest.steps import Overlay, Text
from seedpipe.names import Digest
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import recipe_document, recipe_identity
from seedpipe.plan.outputs import format_of
from seedpipe.plan.plan import PlanNode
from seedpipe.state.lock import DerivedEntry
from seedpipe.state.lockfile import LockWriter
from seedpipe.state.takes import Takes


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedMaker:
    """`fonts` maps what the steps name (None: the shipped font) to digest and file."""

    graph: Graph
    pictures: Pictures
    takes: Takes
    lock: LockWriter
    report: Report
    fonts: Mapping[str | None, tuple[Digest, Path]]

    async def make(self, node: DerivedNode) -> None:
        """Raises `NodeError`, and `SeedpipeError` for steps that can't be done."""
        inputs = [self.pictures.of(address) for address in node.inputs]
        fonts = {step.font: self.fonts[step.font][0] for step in node.steps if isinstance(step, Text)}
        document = recipe_document(node, [item.identity for item in inputs], fonts)
        recipe = digest_of(document)
        planned = self.pictures.plan.nodes[node.address]
        taken, how = await self._made_before(planned, recipe), "cached"
        if taken is None:
            self.report.started(node.address, "steps")
            data = await self.pictures.work(self._run_steps, node, inputs)
            made = await asyncio.to_thread(self.pictures.store.keep, data)
            taken, how = await asyncio.to_thread(self._first_made, recipe, made), "derived"
        self.pictures.came(node.address, recipe_identity(recipe), taken)
        await asyncio.to_thread(self._remember, recipe, taken, document)
        entry = self.lock.entry(node.address)
        known = [entry.take, *([entry.output] if entry.output else [])] if isinstance(entry, DerivedEntry) else []
        file = await self.pictures.put(node.address, taken, known)
        output = file.digest if file is not None and file.how else None
        self.lock.set(node.address, DerivedEntry(recipe=recipe, take=taken, output=output))
        self.report.done(node.address, how, taken, planned.output)

    async def _made_before(self, planned: PlanNode, recipe: Digest) -> Digest | None:
        """What was made for this recipe, if its bytes are in the store or in the output file."""
        taken = planned.taken if planned.key == recipe else None
        taken = taken or await asyncio.to_thread(self.takes.recipe, recipe)
        if taken is None or not await self.pictures.bring_in(planned, taken):
            return None
        return taken

    def _remember(self, recipe: Digest, taken: Digest, document: Mapping[str, Any]) -> None:
        """What was made, and by which steps, so that a later plan can say what of them changed."""
        self.takes.record_recipe(recipe, taken)
        self.takes.record_document(recipe, canonical_json(document))

    def _first_made(self, recipe: Digest, made: Digest) -> Digest:
        """The first bytes made for a recipe are kept, unless they are gone for good."""
        first = self.takes.record_recipe(recipe, made)
        if first != made and not self.pictures.store.has(first):
            self.takes.replace_recipe(recipe, made)
            return made
        return first

    def _run_steps(self, node: DerivedNode, inputs: Sequence[Present]) -> bytes:
        store = self.pictures.store
        overlays = [step.image for step in node.steps if isinstance(step, Overlay)]
        for item in inputs:
            store.read(item.digest)  # verified: nothing is made from damaged bytes
        return run_steps(
            store.path(inputs[0].digest),
            node.steps,
            overlays={address: store.path(item.digest) for address, item in zip(overlays, inputs[1:], strict=True)},
            fonts={
                step.font: self.fonts[step.font][1]
                for step in node.steps
                if isinstance(step, Text) and step.font is not None
            },
            target_format=format_of(node, self.graph),
        )
