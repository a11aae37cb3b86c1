"""An item of a definition with `sequence` or `layers` → one node for each of its frames."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from seedpipe.manifest import model
from seedpipe.manifest.compose import compose
from seedpipe.manifest.definition import Place, Setting
from seedpipe.manifest.fields import AUTO, plain_decimal, to_output
from seedpipe.manifest.findings import BadValueError, Findings
from seedpipe.manifest.frame_list import FrameList, WrittenFrame
from seedpipe.manifest.matrix import Item
from seedpipe.manifest.node import Frame, FrameNode, ImageNode, Sequence, Without
from seedpipe.manifest.normalise import normalise_text
from seedpipe.manifest.prompts import Written
from seedpipe.manifest.recipe import Recipe
from seedpipe.manifest.rows import Refs
from seedpipe.manifest.scope import Scope
from seedpipe.manifest.template import TemplateError


class FrameMaker:
    """Makes the frames of one item. What is wrong goes to the findings."""

    def __init__(self, scope: Scope, findings: Findings, frames: Mapping[str, FrameList]) -> None:
        self.scope = scope
        self.findings = findings
        self.frames = frames

    def make(
        self,
        recipe: Recipe,
        item: Item,
        base: ImageNode,
        refs: Refs,
        fewer: Callable[[Sequence], Without | None],
    ) -> Iterable[FrameNode]:
        """`base` holds what the frames share; `fewer` says how the sequence is asked for with fewer references."""
        written: model.Sequence = recipe.settings["sequence"].value
        listed = self.frames[recipe.definition.name].of(item, self.findings)
        frames = self._frames(listed, item, refs)
        if not frames:
            return
        template = _template(recipe)
        sequence = Sequence(
            base=base,
            frames=frames,
            counted=written.frames is None,
            compose=template.value if template else None,
        )
        sequence = replace(sequence, without=fewer(sequence))
        if template is not None and not self._composes(sequence, template.place, item):
            return
        for one, frame in zip(listed, frames, strict=True):
            yield FrameNode(
                address=sequence.address_of(frame),
                position=base.position if one.written is None else one.place.position,
                frame=frame,
                prompt_position=base.prompt_position if one.written is None else one.place.below("prompt").line(1),
                sequence=sequence,
                output=self._output(recipe, item, one, frame),
                tags=base.tags,
                axes=item.axes,
            )

    def fewer(self, recipe: Recipe, item: Item, sequence: Sequence, refs: Refs) -> Sequence | None:
        """`sequence` with the words of its frames by other `refs`; None where one of them can't be said so."""
        frames = self._frames(self.frames[recipe.definition.name].of(item, self.findings), item, refs)
        template, made = _template(recipe), replace(sequence, frames=frames)
        if not frames or (template is not None and not self._composes(made, template.place, item)):
            return None
        return made

    def layers(self, recipe: Recipe, item: Item, base: ImageNode) -> Iterable[FrameNode]:
        """The ground and as many layers as may come. They are see-through pictures of the size that the model gives."""
        listed = self.frames[recipe.definition.name].of(item, self.findings)
        frames = tuple(Frame(id=frame.id, number=number) for number, frame in enumerate(listed, 1))
        base = replace(base, size=base.size or AUTO, output_format="png")
        sequence = Sequence(base=base, frames=frames, counted=True, layered=True)
        for one, frame in zip(listed, frames, strict=True):
            yield FrameNode(
                address=sequence.address_of(frame),
                position=base.position,
                frame=frame,
                prompt_position=base.prompt_position,
                sequence=sequence,
                output=self._output(recipe, item, one, frame),
                tags=base.tags,
                axes=item.axes,
            )

    def written(self, recipe: Recipe, item: Item) -> Iterator[tuple[str, Written | None, Mapping[str, Any]]]:
        """Of each frame its id, its own words as they are written (if it has any), and what they may name."""
        for number, frame in enumerate(self.frames[recipe.definition.name].of(item, self.findings), 1):
            own = None
            if frame.written is not None:
                own = Written(text=frame.written.prompt, where=frame.place.below("prompt"))
            yield frame.id, own, _values(frame, number, item)

    def _frames(self, listed: Iterable[WrittenFrame], item: Item, refs: Refs) -> tuple[Frame, ...]:
        """All of them, or none after a fault."""
        made = [self._frame(frame, number, item, refs) for number, frame in enumerate(listed, 1)]
        frames = tuple(frame for frame in made if frame is not None)
        return frames if len(frames) == len(made) else ()

    def _frame(self, frame: WrittenFrame, number: int, item: Item, refs: Refs) -> Frame | None:
        written, place = frame.written, frame.place
        if written is None:
            return Frame(id=frame.id, number=number)
        values = _values(frame, number, item) | {"refs": refs}
        prompt = self._text(written.prompt, place.below("prompt"), item, values)
        caption = None if written.caption is None else self._text(written.caption, place.below("caption"), item, values)
        if prompt is None:
            return None
        if not prompt.strip():
            message = f"the prompt of `{frame.id}` is empty"
            self.findings.item(item.address, "empty-prompt", message, place.below("prompt").position)
            return None
        duration = None
        if written.duration is not None:
            duration = self._duration(written.duration, place.below("duration"), item, values)
        return Frame(id=frame.id, number=number, prompt=prompt, caption=caption or None, duration=duration)

    def _text(self, text: str, place: Place, item: Item, values: Mapping[str, Any]) -> str | None:
        try:
            return normalise_text(self.scope.render(text, values))
        except TemplateError as error:
            self.findings.template(item.address, place, error)
            return None

    def _duration(self, written: Any, place: Place, item: Item, values: Mapping[str, Any]) -> str | None:
        text = self._text(written, place, item, values) if isinstance(written, str) else str(written)
        if text is None:
            return None
        try:
            seconds = Decimal(text.strip())
        except InvalidOperation:
            seconds = Decimal(0)
        if not seconds.is_finite() or not 0 < seconds <= 3600:
            message = f"`duration`: expected seconds, more than 0 and at most 3600, found `{text}`"
            self.findings.item(item.address, "bad-value", message, place.position)
            return None
        return plain_decimal(seconds)

    def _output(self, recipe: Recipe, item: Item, frame: WrittenFrame, made: Frame) -> str | None:
        """The frame's own output, else the entry's, which has to name the frame."""
        own = frame.written.output if frame.written else None
        where = frame.place.below("output")
        if own is None:
            setting = recipe.settings.get("output")
            if setting is None:
                return None
            own, where = setting.value, setting.place
        text = self._text(own, where, item, _values(frame, made.number, item))
        if text is None:
            return None
        try:
            return str(to_output(text))
        except BadValueError as error:
            self.findings.bad(item.address, where.position, error)
            return None

    def _composes(self, sequence: Sequence, place: Place, item: Item) -> bool:
        try:
            prompt = compose(sequence, sequence.frames)
        except TemplateError as error:
            self.findings.template(item.address, place, error)
            return False
        if not prompt.strip():
            self.findings.item(item.address, "empty-prompt", "`compose` gives no words", place.position)
            return False
        return True


def _template(recipe: Recipe) -> Setting | None:
    """The manifest's own template for the prompt: the sequence's, else that of `defaults`."""
    written: Setting = recipe.settings["sequence"]
    if written.value.compose is not None:
        return Setting(value=written.value.compose, place=written.place.below("compose"))
    return recipe.settings.get("compose")


def _values(frame: WrittenFrame, number: int, item: Item) -> dict[str, Any]:
    """What the templates of a frame may name, besides `refs`."""
    return {**item.values, **frame.values, "frame": {"id": frame.id, "number": number}}
