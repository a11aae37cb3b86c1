"""`Mover`: one picture for another model: size, parameters, references, batches, words, and what is made from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any, Final

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.model import Feature, Mode, Model
from seedpipe.errors import SeedpipeError
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode
from seedpipe.manifest.steps import Crop, Resize
from seedpipe.money import Money
from seedpipe.plan.graph import Graph
from seedpipe.plan.migrated_size import SizeMove, move_size
from seedpipe.plan.moved import Change, Kind, Moved
from seedpipe.plan.price import price_of
from seedpipe.plan.resolve import CARRIED, Resolver
from seedpipe.source import Position

_FIELDS: Final[Mapping[Feature, str]] = {
    Feature.SEED: "seed",
    Feature.GUIDANCE_SCALE: "guidance_scale",
    Feature.WEB_SEARCH: "web_search",
    Feature.BACKGROUND: "background",
}
_OFF: Final = {"web_search": False}  # what a field says that is left out; None for all others


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """Moves pictures that `source` makes to `target`, which is written as `target_name`."""

    source: Model
    target: Model
    target_name: str
    catalogue: Catalogue
    provider: str
    resolver: Resolver

    def move(
        self, graph: Graph, address: str, base: ImageNode, frames: Sequence[FrameNode], held: frozenset[Position]
    ) -> Moved:
        size = move_size(base.size, base.aspect, self.source, self.target)
        looks = tuple(self._moved(look) if look.model == base.model else look for look in base.looks)
        after = replace(self._moved(base), looks=looks)
        changes = [
            Change(
                kind=Kind.EDIT, field="model", message="", position=base.position, old=base.model, new=self.target_name
            ),
            *self._size(base, size),
            *self._parameters(base),
            *self._references(base, frames),
            *self._sequence(base, frames),
            *self._prompt(base, frames),
            *_made_from_it(graph, [address, *(frame.address for frame in frames)], size),
        ]
        placed = (self._placed(base, change, held) for change in changes)
        moving = [look for look in base.looks if look.model == base.model] or [base]
        pictures = len(frames) or base.takes * len(moving)
        return Moved(
            address=address,
            before=base,
            after=after,
            pictures=pictures,
            is_sequence=bool(frames),
            size=size,
            cost_before=self._cost(moving, self.source, pictures),
            cost_after=self._cost([self._moved(one) for one in moving], self.target, pictures),
            changes=tuple(placed),
        )

    def _moved(self, node: ImageNode) -> ImageNode:
        """One look, as the target would be asked for it."""
        size = move_size(node.size, node.aspect, self.source, self.target)
        edits: dict[str, Any] = dict(self._left_out(node))
        return replace(node, model=self.target.id, size=size.size, aspect=size.aspect, **edits)

    def _model(self, base: ImageNode) -> Change:
        """A dated id becomes a dated id, a name a name."""
        new = self.target.id if base.model == self.source.id else self.target_name
        return Change(kind=Kind.EDIT, field="model", message="", position=base.position, old=base.model, new=new)

    def _placed(self, base: ImageNode, change: Change, held: frozenset[Position]) -> Change:
        position = base.positions.get(change.field)
        if change.position != base.position or position is None:
            return change
        return replace(change, position=position, shared=change.kind is Kind.EDIT and position in held)

    def _cost(self, nodes: Sequence[ImageNode], model: Model, pictures: int) -> Money | None:
        """Of `pictures` in all, equally many of each of `nodes`."""
        costs = []
        for node in nodes:
            try:
                size = self.resolver.size(model.id, node.size, node.aspect)
                price = price_of(self.catalogue, self.provider, model.id, size, inputs=len(node.references))
            except SeedpipeError:
                return None
            costs.append(price * (pictures // len(nodes)))
        return reduce(add, costs)

    def _left_out(self, base: ImageNode) -> Iterator[tuple[str, object]]:
        """Fields that the target does not take, as they are when nothing is written."""
        if base.output_format is not None and base.output_format not in self.target.output_formats:
            yield "output_format", None
        if base.optimize_prompt is not None and base.optimize_prompt not in self.target.optimize_modes:
            yield "optimize_prompt", None
        for feature, field in _FIELDS.items():
            asked = getattr(base, field)
            is_asked = asked == "transparent" if feature is Feature.BACKGROUND else asked not in (None, False)
            if is_asked and not self.target.has(feature):
                yield field, _OFF.get(field)

    def _size(self, base: ImageNode, size: SizeMove) -> Iterator[Change]:
        if size.why:
            yield Change(
                kind=Kind.EDIT,
                field="size" if base.size is not None else "aspect",
                message=f"{size.why}: {size.words}" if size.words else size.why,
                position=base.position,
                old=base.size if base.size is not None else base.aspect,
                new=size.size,
            )
            if base.aspect is not None and size.aspect is None and base.size is not None:
                message = "pixels say the aspect already"
                yield Change(kind=Kind.EDIT, field="aspect", message=message, position=base.position, old=base.aspect)
        elif size.before != size.after:
            message = f"it comes as {size.words}"
            field = "size" if "size" in base.positions else "aspect"
            yield Change(kind=Kind.DIFFERENCE, field=field, message=message, position=base.position)
        if size.after is None and base.aspect is None:
            message = "the aspect is picked by the model, and this one may pick another: write `aspect`"
            yield Change(kind=Kind.ADVICE, field="size", message=message, position=base.position)

    def _parameters(self, base: ImageNode) -> Iterator[Change]:
        """Fields that have to go."""
        faults = {
            "output_format": self.target.output_format_faults(base.output_format or ""),
            "optimize_prompt": self.target.optimize_faults(base.optimize_prompt or ""),
            **{field: self.target.feature_faults(feature) for feature, field in _FIELDS.items()},
        }
        for field, _ in self._left_out(base):
            asked = getattr(base, field)
            old = str(asked).lower() if isinstance(asked, bool) else str(asked)
            message = faults[field][0].partition("; ")[0]
            message += f"; a free step `convert: {old}` makes it" if field == "output_format" else ""
            yield Change(kind=Kind.EDIT, field=field, message=message, position=base.position, old=old)

    def _references(self, base: ImageNode, frames: Sequence[FrameNode]) -> Iterator[Change]:
        counted = bool(frames) and frames[0].sequence.counted
        for sentence in self.target.reference_faults(len(base.references), len(frames) if counted else 1):
            yield Change(kind=Kind.LOSS, field="references", message=sentence, position=base.position)

    def _sequence(self, base: ImageNode, frames: Sequence[FrameNode]) -> Iterator[Change]:
        if not frames:
            return
        if Mode.SEQUENCE not in self.target.modes:
            message = (
                f"{self.target.mode_faults(Mode.SEQUENCE)[0]}; its {len(frames)} frames would be entries of their own"
            )
            yield Change(kind=Kind.LOSS, field="sequence", message=message, position=base.position)
            return
        if Mode.STREAM in self.source.modes and Mode.STREAM not in self.target.modes:
            message = "frames come all at the end, not one by one: what is made from them starts later"
            yield Change(kind=Kind.DIFFERENCE, field="sequence", message=message, position=base.position)
        split = self.resolver.split(len(frames), len(base.references))
        room = self.target.references.max - CARRIED
        if not frames[0].sequence.counted and len(split) > 1 and len(base.references) > room:
            message = (
                f"its frames need {len(split)} requests, which leave {room} references; it has {len(base.references)}"
            )
            yield Change(kind=Kind.LOSS, field="references", message=message, position=base.position)

    def _prompt(self, base: ImageNode, frames: Sequence[FrameNode]) -> Iterator[Change]:
        """Advice about the words themselves."""
        told = " ".join([base.prompt, *(frame.frame.prompt for frame in frames)])
        for tier in self.source.tiers:
            if tier not in self.target.tiers and tier.lower() in told.lower().split():
                message = f"the prompt says `{tier}`, which `{self.target.id}` has not"
                yield Change(kind=Kind.ADVICE, field="prompt", message=message, position=base.prompt_position)
        limit = self.target.prompt
        words = len(base.prompt.split())
        if limit.words < words <= self.source.prompt.words:
            message = f"the prompt has {words} words; beyond {limit.words} details get lost there"
            yield Change(kind=Kind.ADVICE, field="prompt", message=message, position=base.prompt_position)


def _made_from_it(graph: Graph, addresses: Sequence[str], size: SizeMove) -> Iterator[Change]:
    """Free pictures that are cut or scaled to more pixels than there will be."""
    if size.after is None:
        return
    here = "{}x{}".format(*size.after)
    for node, step in _first_sizes(graph, addresses):
        wanted = "x".join(str(side) for side in (step.width, step.height) if side is not None)
        if _fits(step, size.after):
            continue
        if isinstance(step, Crop):
            message = f"`{node.address}` cuts {wanted} out of a picture that will have {here}"
            yield Change(kind=Kind.LOSS, field="steps", message=message, position=node.position)
        elif size.before is None or _fits(step, size.before):
            message = f"`{node.address}` is scaled up to {wanted} from {here}"
            yield Change(kind=Kind.DIFFERENCE, field="steps", message=message, position=node.position)


def _first_sizes(graph: Graph, addresses: Sequence[str]) -> Iterator[tuple[DerivedNode, Crop | Resize]]:
    """What is made from the pictures themselves, with the first step that names pixels."""
    for address in addresses:
        for below in graph.makes(address) if address in graph else ():
            node = graph[below]
            if isinstance(node, DerivedNode) and node.source.address == address:
                sized = (
                    step for step in node.steps if isinstance(step, Resize) or (isinstance(step, Crop) and step.pixels)
                )
                step = next(sized, None)
                if step is not None:
                    yield node, step


def _fits(step: Crop | Resize, size: tuple[int, int]) -> bool:
    return (step.width or 0) <= size[0] and (step.height or 0) <= size[1]
