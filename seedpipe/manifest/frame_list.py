"""Which frames a sequence has: written in a list, made with `each` from data, counted by `max_images`, or layers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from seedpipe.errors import FaultCollector
from seedpipe.limits import MAX_FRAMES, MAX_LAYERS
from seedpipe.manifest import model
from seedpipe.manifest.bounds import TemplateRefusedError
from seedpipe.manifest.definition import Definition, Place
from seedpipe.manifest.each import each_value
from seedpipe.manifest.findings import Findings
from seedpipe.manifest.matrix import Item
from seedpipe.manifest.scope import Scope
from seedpipe.manifest.segments import segment_fault, segment_hint
from seedpipe.manifest.template import TemplateError
from seedpipe.source import Position

_ID_HINT: Final = 'say which: `id: "{{ item.name }}"`'
LAYER_IDS: Final = ("base", *map(str, range(1, MAX_LAYERS)))  # from the ground up
MAX_COUNTED: Final = 15  # pictures of one request (OVERVIEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFrame:
    """One frame before its words are rendered. `written` is None for a counted one; `values` hold the `item` of `each`."""

    id: str
    place: Place
    written: model.Frame | model.EachFrame | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


class FrameList:
    """The frames of one definition. Faults that no item decides are found at once; see `of` for the others."""

    def __init__(self, definition: Definition, scope: Scope, faults: FaultCollector) -> None:
        self._definition = definition
        self._scope = scope
        self._collector = faults
        self._place = definition.place.below("sequence")
        self._each: model.EachFrame | None = None
        self._frames: tuple[WrittenFrame, ...] = ()
        self._made: dict[str, tuple[WrittenFrame, ...]] = {}
        written: model.Sequence | None = definition.entry.sequence
        if definition.entry.layers is not None:
            place = definition.place.below("layers")
            self._frames = tuple(WrittenFrame(id=id_, place=place) for id_ in LAYER_IDS)
        elif written is not None:
            self._read(written)

    @property
    def count(self) -> int:
        """How many frames an item has; 0 where that is known of each item alone."""
        return len(self._frames)

    @property
    def is_counted(self) -> bool:
        """Whether any number of them may come."""
        entry = self._definition.entry
        return entry.layers is not None or (entry.sequence is not None and entry.sequence.frames is None)

    def of(self, item: Item, findings: Findings) -> tuple[WrittenFrame, ...]:
        """The frames of one item, in order; none after a fault."""
        if self._each is None:
            return self._frames
        if item.address not in self._made:
            self._made[item.address] = self._from_data(self._each, item, findings)
        return self._made[item.address]

    def _from_data(self, each: model.EachFrame, item: Item, findings: Findings) -> tuple[WrittenFrame, ...]:
        place = self._place.below("frames")
        values = each_value(each.each, place.below("each"), item, self._scope, findings)
        if values is None:
            return ()
        where = place.below("each" if each.id is None else "id")
        try:
            ids = [self._id(each, value, item) for value in values]
        except TemplateError as error:
            findings.template(item.address, where, error)
            return ()
        except TemplateRefusedError as error:
            findings.item(item.address, error.code, f"as the `id` of a frame, {error}", where.position, _ID_HINT)
            return ()
        frames = tuple(
            WrittenFrame(id=id_, place=place, written=each, values={"item": value})
            for id_, value in zip(ids, values, strict=True)
        )
        faults = list(_faults(frames))
        for _, code, message, advice in faults:
            findings.item(item.address, code, message, where.position, advice)
        return () if faults else frames

    def _id(self, each: model.EachFrame, value: Any, item: Item) -> str:
        """Without words of its own the item's key, or its text."""
        if each.id is None:
            return self._scope.environment.text_of(value).strip()
        return self._scope.render(each.id, {**item.values, "item": value}).strip()

    def _read(self, written: model.Sequence) -> None:
        if (written.frames is None) == (written.max_images is None):
            message = "a sequence has either `frames` or `max_images`"
            hint = "`frames` with an id and a prompt each, or `max_images: 4` beside a `prompt`"
            self._fault("bad-sequence", message, self._place.key_position, hint)
        elif written.frames is None:
            self._frames = self._counted(written.max_images, self._place.below("max_images"))
            if written.compose is not None:
                message = "`compose` means nothing beside `max_images`: the `prompt` is sent as it is"
                self._fault("wrong-field", message, self._place.below("compose").key_position)
        elif isinstance(written.frames, model.EachFrame):
            self._each = written.frames
        else:
            place = self._place.below("frames")
            frames = tuple(
                WrittenFrame(id=frame.id, place=place.below(index), written=frame)
                for index, frame in enumerate(written.frames)
            )
            faults = list(_faults(frames))
            for index, code, message, advice in faults:
                where = place.key_position if index is None else place.below(index, "id").position
                self._fault(code, message, where, advice)
            self._frames = () if faults else frames

    def _counted(self, number: Any, place: Place) -> tuple[WrittenFrame, ...]:
        entry = self._definition.entry
        if not isinstance(number, int) or not 1 <= number <= MAX_COUNTED:
            message = f"`max_images` is a plain number from 1 to {MAX_COUNTED}, found `{number}`"
            self._fault("bad-sequence", message, place.position)
            return ()
        if entry.prompt is None and entry.prompt_file is None:
            hint = "give it a `prompt` that asks for separate images, or `frames` with a prompt each"
            self._fault("no-kind", "`max_images` needs a `prompt`", place.position, hint)
            return ()
        return tuple(WrittenFrame(id=str(index), place=place) for index in range(1, number + 1))

    def _fault(self, code: str, message: str, position: Position, hint: str | None = None) -> None:
        self._collector.add(code, message, position, hint=hint, address=self._definition.name)


def _faults(frames: tuple[WrittenFrame, ...]) -> Iterator[tuple[int | None, str, str, str | None]]:
    """Of their number and their ids: the index of the frame (None: of all), a code, a sentence, a hint."""
    if not 1 <= len(frames) <= MAX_FRAMES:
        yield None, "bad-sequence", f"a sequence has 1 to {MAX_FRAMES} frames; this one has {len(frames)}", None
        return
    seen: dict[str, str] = {}  # in lower case → as written
    for index, frame in enumerate(frames):
        wrong, other = segment_fault(frame.id), seen.get(frame.id.lower())
        if wrong is not None:
            yield index, "bad-segment", wrong, segment_hint(frame.id)
        elif other is not None:
            twins = f"two frames are called `{frame.id}`" + ("" if other == frame.id else " but for case")
            yield index, "defined-twice", twins, None
        else:
            seen[frame.id.lower()] = frame.id
