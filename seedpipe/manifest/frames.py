"""Sequences: the names of their frames, and a definition with `sequence` → one node for each frame."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from seedpipe.errors import FaultCollector
from seedpipe.limits import MAX_FRAMES
from seedpipe.manifest import model
from seedpipe.manifest.compose import compose
from seedpipe.manifest.definition import Definition, Place
from seedpipe.manifest.fields import plain_decimal, to_output
from seedpipe.manifest.findings import BadValueError, Findings
from seedpipe.manifest.matrix import Item
from seedpipe.manifest.node import Frame, FrameNode, ImageNode, Sequence
from seedpipe.manifest.normalise import normalise_text
from seedpipe.manifest.recipe import Recipe
from seedpipe.manifest.rows import Refs
from seedpipe.manifest.scope import Scope
from seedpipe.manifest.segments import segment_fault, segment_hint
from seedpipe.manifest.template import TemplateError


def frame_ids(definition: Definition, faults: FaultCollector) -> tuple[str, ...] | None:
    """The ids of the frames of a definition, in order; None if it is no sequence (or a faulty one)."""
    written: model.Sequence | None = definition.entry.sequence
    if written is None:
        return None
    place = definition.place.below("sequence")
    if (written.frames is None) == (written.max_images is None):
        message = "a sequence has either `frames` or `max_images`"
        hint = "`frames` with an id and a prompt each, or `max_images: 4` beside a `prompt`"
        faults.add("bad-sequence", message, place.key_position, hint=hint, address=definition.name)
        return None
    if written.frames is None:
        return _counted(definition, written.max_images, place, faults)
    if not 1 <= len(written.frames) <= MAX_FRAMES:
        message = f"a sequence has 1 to {MAX_FRAMES} frames; this one has {len(written.frames)}"
        faults.add("bad-sequence", message, place.below("frames").key_position, address=definition.name)
        return None
    return _checked(definition, [frame.id for frame in written.frames], place.below("frames"), faults)


def _counted(definition: Definition, number: Any, place: Place, faults: FaultCollector) -> tuple[str, ...] | None:
    where = place.below("max_images").position
    entry = definition.entry
    if not isinstance(number, int) or not 1 <= number <= 15:
        message = f"`max_images` is a plain number from 1 to 15, found `{number}`"
        faults.add("bad-sequence", message, where, address=definition.name)
        return None
    if entry.prompt is None and entry.prompt_file is None:
        hint = "give it a `prompt` that asks for separate images, or `frames` with a prompt each"
        faults.add("no-kind", "`max_images` needs a `prompt`", where, hint=hint, address=definition.name)
        return None
    return tuple(str(index) for index in range(1, number + 1))


def _checked(definition: Definition, ids: list[str], place: Place, faults: FaultCollector) -> tuple[str, ...] | None:
    seen: dict[str, int] = {}
    sound = True
    for index, id_ in enumerate(ids):
        where = place.below(index, "id").position
        wrong = segment_fault(id_)
        if wrong is not None:
            faults.add("bad-segment", wrong, where, hint=segment_hint(id_), address=definition.name)
        elif id_.lower() in seen:
            message = f"two frames are called `{id_}`" + ("" if ids[seen[id_.lower()]] == id_ else " but for case")
            faults.add("defined-twice", message, where, address=definition.name)
        else:
            seen[id_.lower()] = index
            continue
        sound = False
    return tuple(ids) if sound else None


class FrameMaker:
    """Makes the frames of one item. What is wrong goes to the findings."""

    def __init__(self, scope: Scope, findings: Findings) -> None:
        self.scope = scope
        self.findings = findings

    def make(
        self, recipe: Recipe, item: Item, base: ImageNode, refs: Refs, tags: tuple[str, ...]
    ) -> Iterable[FrameNode]:
        """`base` holds what the frames share."""
        written: model.Sequence = recipe.settings["sequence"].value
        place = recipe.settings["sequence"].place
        if written.frames is None:
            count = int(written.max_images or 0)
            frames = [Frame(id=str(number), number=number) for number in range(1, count + 1)]
        else:
            found = [
                self._frame(frame, number, place.below("frames", number - 1), item, refs)
                for number, frame in enumerate(written.frames, 1)
            ]
            frames = [frame for frame in found if frame is not None]
            if len(frames) < len(found):
                return
        sequence = Sequence(base=base, frames=tuple(frames), counted=written.frames is None, compose=written.compose)
        if not self._composes(sequence, place.below("compose"), item):
            return
        for index, frame in enumerate(frames):
            where = place.below("frames", index, "prompt") if written.frames else place.below("max_images")
            yield FrameNode(
                address=sequence.address_of(frame),
                position=place.below("frames", index, "id").position if written.frames else base.position,
                frame=frame,
                prompt_position=where.line(1) if written.frames else base.prompt_position,
                sequence=sequence,
                output=self._output(recipe, item, written, frame, place),
                tags=tags,
                axes=item.axes,
            )

    def _frame(self, written: model.Frame, number: int, place: Place, item: Item, refs: Refs) -> Frame | None:
        values = {**item.values, "refs": refs, "frame": {"id": written.id, "number": number}}
        prompt = self._text(written.prompt, place.below("prompt"), item, values)
        caption = None if written.caption is None else self._text(written.caption, place.below("caption"), item, values)
        if prompt is None:
            return None
        if not prompt.strip():
            self.findings.item(item.address, "empty-prompt", "the prompt is empty", place.below("prompt").position)
            return None
        duration = None
        if written.duration is not None:
            duration = self._duration(written.duration, place.below("duration"), item, values)
        return Frame(id=written.id, number=number, prompt=prompt, caption=caption, duration=duration)

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

    def _output(self, recipe: Recipe, item: Item, written: model.Sequence, frame: Frame, place: Place) -> str | None:
        """The frame's own output, else the entry's, which has to name the frame."""
        own = written.frames[frame.number - 1].output if written.frames else None
        where = place.below("frames", frame.number - 1, "output")
        if own is None:
            setting = recipe.settings.get("output")
            if setting is None:
                return None
            own, where = setting.value, setting.place
        values = {**item.values, "frame": {"id": frame.id, "number": frame.number}}
        text = self._text(own, where, item, values)
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
