"""One item of a definition → its node: every template rendered, every value converted, every reference found."""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from seedpipe.errors import Severity
from seedpipe.manifest.definition import Place, Setting
from seedpipe.manifest.expand_steps import StepError, StepReader, step_has_template
from seedpipe.manifest.fewer import FewerPictures
from seedpipe.manifest.fields import is_pixels, to_tag, to_url
from seedpipe.manifest.finder import FileFinder
from seedpipe.manifest.findings import BadValueError, Findings
from seedpipe.manifest.frame_list import FrameList
from seedpipe.manifest.frames import FrameMaker
from seedpipe.manifest.looks import LookReader, joined
from seedpipe.manifest.matrix import Item
from seedpipe.manifest.node import DerivedNode, ImageNode, Node, Reference, SourceNode
from seedpipe.manifest.paths import is_glob
from seedpipe.manifest.prompts import PromptMaker, Written
from seedpipe.manifest.recipe import Kind, Recipe
from seedpipe.manifest.references import NO_REFERENCES, AddressBook, ReferencePlan, Resolved
from seedpipe.manifest.scope import Scope
from seedpipe.manifest.steps import Overlay, Step
from seedpipe.manifest.template import TemplateError
from seedpipe.source import Position, ProjectFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenWords:
    """The words of a node as they are written. `field`: `prompt`, or `shared` for what all frames of a sequence have.

    `look` is whose words they are; `cells` says where the values stand that it gives to vars.
    """

    address: str
    field: str
    parts: tuple[Written, ...]
    values: Mapping[str, Any]  # what the templates may name
    look: str | None = None
    cells: Mapping[str, Position] = dataclasses.field(default_factory=dict)


class NodeMaker:
    """Makes nodes. What is wrong goes to the findings; a node with a fault may come out incomplete, or not at all."""

    def __init__(
        self,
        scope: Scope,
        book: AddressBook,
        files: ProjectFiles,
        findings: Findings,
        frames: Mapping[str, FrameList],
    ) -> None:
        self.scope = scope
        self.book = book
        self.findings = findings
        self.finder = FileFinder(files, findings)
        self.prompts = PromptMaker(scope, self.finder, findings)
        self.frames = FrameMaker(scope, findings, frames)
        self.looks = LookReader(scope, findings)
        self.fewer = FewerPictures(scope, self.finder, frames)

    def make(self, recipe: Recipe, item: Item) -> Iterable[Node]:
        """The node of an item; of a sequence one for each frame; none after a fault."""
        if recipe.kind is Kind.SEQUENCE:
            return self._frames(recipe, item)
        if recipe.kind is Kind.LAYERS:
            return self._layers(recipe, item)
        makers = {Kind.SOURCE: self._source, Kind.IMAGE: self._image, Kind.DERIVED: self._derived}
        node: Node | None = makers[recipe.kind](recipe, item)
        return () if node is None else (node,)

    def written(self, recipe: Recipe, item: Item) -> Iterator[WrittenWords]:
        """Where the words of an item come from, before they are rendered; nothing of what isn't bought."""
        if recipe.kind not in (Kind.IMAGE, Kind.SEQUENCE, Kind.LAYERS):
            return
        if recipe.kind is Kind.IMAGE and "looks" in recipe.settings:
            for look in self.looks.of(recipe, item) or ():
                parts = self.prompts.written(recipe, look.item)
                values = {**look.item.values, "refs": self._references(recipe, look.item).refs}
                yield WrittenWords(
                    address=item.address, field="prompt", parts=parts, values=values, look=look.name, cells=look.cells
                )
            return
        name = "layers" if recipe.kind is Kind.LAYERS else "references"
        refs = {"refs": self._references(recipe, item, name).refs}
        shared = self.prompts.written(recipe, item)
        values = {**item.values, **refs}
        if recipe.kind is Kind.IMAGE:
            yield WrittenWords(address=item.address, field="prompt", parts=shared, values=values)
            return
        for id_, own, more in self.frames.written(recipe, item):
            address = f"{item.address}#{id_}"
            yield WrittenWords(address=address, field="shared", parts=shared, values=values)
            if own is not None:
                yield WrittenWords(address=address, field="prompt", parts=(own,), values={**more, **refs})

    def _scalars(self, recipe: Recipe, item: Item) -> Mapping[str, Any]:
        if not recipe.scalars:
            return recipe.fixed
        values = dict(recipe.fixed)
        for scalar in recipe.scalars:
            try:
                values[scalar.name] = scalar.convert(self.scope.render(scalar.text, item.values))
            except TemplateError as error:
                self.findings.template(item.address, scalar.place, error)
            except BadValueError as error:
                error.message = f"`{scalar.name}`: {error.message}"
                self.findings.bad(item.address, scalar.place.position, error)
        return values

    def _tags(self, recipe: Recipe, item: Item) -> tuple[str, ...]:
        if recipe.tags is not None:
            return recipe.tags
        setting = recipe.settings["tags"]
        found = []
        for index, tag in enumerate(setting.value):
            place = setting.place.below(index)
            try:
                found.append(to_tag(self.scope.render(tag, item.values)))
            except TemplateError as error:
                self.findings.template(item.address, place, error)
            except BadValueError as error:
                self.findings.bad(item.address, place.position, error)
        return tuple(dict.fromkeys(found))

    # sources

    def _source(self, recipe: Recipe, item: Item) -> SourceNode | None:
        name = "file" if "file" in recipe.settings else "url"
        setting = recipe.settings.get(name)
        if setting is None:
            hint = "its overrides match other items"
            self.findings.item(item.address, "no-kind", "this item has neither `file` nor `url`", recipe.position, hint)
            return None
        text = self._text(setting, item)
        if text is None:
            return None
        path = url = None
        try:
            if name == "url":
                url = to_url(text)
            else:
                path = self.finder.find(text, setting.place, item.address)
        except BadValueError as error:
            self.findings.bad(item.address, setting.place.position, error)
            return None
        if path is None and url is None:
            return None
        return SourceNode(
            address=item.address,
            position=recipe.position,
            path=path,
            url=url,
            tags=self._tags(recipe, item),
            axes=item.axes,
        )

    def _text(self, setting: Setting, item: Item, values: Mapping[str, Any] | None = None) -> str | None:
        """The rendered text of a setting; None after a fault."""
        try:
            return self.scope.render(setting.value, item.values if values is None else values)
        except TemplateError as error:
            self.findings.template(item.address, setting.place, error)
            return None

    # images

    def _image(self, recipe: Recipe, item: Item) -> ImageNode | None:
        looks = self.looks.of(recipe, item)
        if looks is None:
            return None
        if not looks:
            return self._one_image(recipe, item)
        made = [(look, node) for look in looks if (node := self._one_image(recipe, look.item)) is not None]
        if len(made) < len(looks):
            return None
        return joined([(look, replace(node, look=look.name)) for look, node in made], recipe, self.findings)

    def _one_image(self, recipe: Recipe, item: Item) -> ImageNode | None:
        resolved = self._references(recipe, item)
        node = self._paid(recipe, item, resolved, self.prompts.prompt(recipe, item, resolved.refs))
        without = self.fewer.of_image(recipe, item, resolved)
        return node if node is None or without is None else replace(node, without=without)

    def _frames(self, recipe: Recipe, item: Item) -> Iterable[Node]:
        resolved = self._references(recipe, item)
        base = self._paid(recipe, item, resolved, self.prompts.shared(recipe, item, resolved.refs))
        if base is None:
            return ()
        fewer = functools.partial(self.fewer.of_sequence, recipe, item, resolved)
        return self.frames.make(recipe, item, base, resolved.refs, fewer)

    def _layers(self, recipe: Recipe, item: Item) -> Iterable[Node]:
        resolved = self._references(recipe, item, "layers")
        base = self._paid(recipe, item, resolved, self.prompts.shared(recipe, item, resolved.refs))
        if base is None or not resolved.references:
            return ()
        if len(resolved.references) > 1:
            message = f"`layers` is one picture, and this means {len(resolved.references)}"
            self.findings.item(item.address, "ambiguous-reference", message, recipe.positions["layers"])
            return ()
        return self.frames.layers(recipe, item, base)

    def _paid(
        self, recipe: Recipe, item: Item, resolved: Resolved, prompt: tuple[str, Position] | None
    ) -> ImageNode | None:
        values = self._scalars(recipe, item)
        values = self._sized(recipe, item, values)
        if "model" not in recipe.settings:
            hint = "say it once for all: `defaults: {model: seedream-4-5}`"
            self.findings.item(item.address, "no-model", "no `model` is given", recipe.position, hint)
            return None
        if prompt is None or values.get("model") is None:
            return None
        return ImageNode(
            address=item.address,
            position=recipe.position,
            prompt=prompt[0],
            prompt_position=prompt[1],
            references=resolved.references,
            tags=self._tags(recipe, item),
            axes=item.axes,
            positions=recipe.positions,
            **values,
        )

    def _sized(self, recipe: Recipe, item: Item, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Exact pixels drop a weaker aspect; of equal strength, or beside a stronger aspect, they contradict it."""
        size = values.get("size")
        if size is None or values.get("aspect") is None or not is_pixels(size):
            return values
        if recipe.strength["size"] <= recipe.strength["aspect"]:
            message = f"the size `{size}` in pixels and the aspect `{values['aspect']}` exclude each other"
            hint = "give a tier like `2K` with the aspect, or pixels alone"
            self.findings.item(item.address, "size-and-aspect", message, recipe.positions["aspect"], hint)
        return {name: value for name, value in values.items() if name != "aspect"}

    def _references(self, recipe: Recipe, item: Item, field: str = "references") -> Resolved:
        setting = recipe.settings.get(field)
        if setting is None:
            return NO_REFERENCES
        plan: ReferencePlan | None = recipe.made.get("references")
        if plan is None:
            plan = ReferencePlan(setting.value, setting.place, self.scope, self.book, self.findings)
            recipe.made["references"] = plan
        resolved = plan.resolve(item)
        self._check_references(item, resolved.references)
        return resolved

    def _check_references(self, item: Item, references: tuple[Reference, ...]) -> None:
        seen = set()
        for reference in references:
            if reference.address == item.address:
                message = f"`{item.address}` is a reference of itself"
                self.findings.item(item.address, "self-reference", message, reference.position)
            elif reference.address in seen:
                message = f"`{reference.address}` is sent twice"
                self.findings.item(
                    item.address, "reference-twice", message, reference.position, severity=Severity.WARNING
                )
            seen.add(reference.address)

    # derived pictures

    def _derived(self, recipe: Recipe, item: Item) -> DerivedNode | None:
        values = self._scalars(recipe, item)
        for name, other in (("from_", "steps"), ("steps", "from_")):
            if name not in recipe.settings:
                message = f"`{other.strip('_')}` needs `{name.strip('_')}`"
                self.findings.item(item.address, "no-kind", message, recipe.position)
                return None
        source = self._from(recipe.settings["from_"], item)
        steps = self._steps(recipe, item)
        if source is None or steps is None:
            return None
        for address in (source.address, *(step.image for step in steps if isinstance(step, Overlay))):
            if address == item.address:
                message = f"`{item.address}` is made from itself"
                self.findings.item(item.address, "self-reference", message, source.position)
        return DerivedNode(
            address=item.address,
            position=recipe.position,
            source=source,
            steps=steps,
            step_positions=self._step_positions(recipe),
            output=values.get("output"),
            tags=self._tags(recipe, item),
            axes=item.axes,
        )

    def _from(self, setting: Setting, item: Item) -> Reference | None:
        text = self._text(setting, item)
        if text is None:
            return None
        position = setting.place.position
        try:
            text = text.strip()
            if is_glob(text):
                raise BadValueError(f"`from` is one picture, `{text}` may be many", code="ambiguous-reference")
            return Reference(address=self.book.resolve(text), position=position)
        except BadValueError as error:
            self.findings.bad(item.address, position, error)
            return None

    def _steps(self, recipe: Recipe, item: Item) -> tuple[Step, ...] | None:
        setting = recipe.settings["steps"]
        if not setting.value:
            self.findings.item(item.address, "no-steps", "there are no steps", setting.place.position)
            return None
        reader = StepReader(
            render=lambda text, place: self._step_text(text, place, item),
            resolve=self.book.resolve,
            font=lambda text, place: self._font(text, place, item),
        )
        made: dict[int, Step | None] = recipe.made.setdefault("steps", {})
        steps = []
        for index, written in enumerate(setting.value):
            if index in made:
                steps.append(made[index])
                continue
            step = self._step(reader, written, setting.place.below(index), item)
            if not step_has_template(written):
                made[index] = step
            steps.append(step)
        sound = tuple(step for step in steps if step is not None)
        return sound if len(sound) == len(steps) else None

    def _step_positions(self, recipe: Recipe) -> tuple[Position, ...]:
        found: tuple[Position, ...] | None = recipe.made.get("step_positions")
        if found is None:
            setting = recipe.settings["steps"]
            found = tuple(
                setting.place.below(index, *sorted(written.model_fields_set)[:1]).position
                for index, written in enumerate(setting.value)
            )
            recipe.made["step_positions"] = found
        return found

    def _step(self, reader: StepReader, written: Any, place: Place, item: Item) -> Step | None:
        try:
            return reader.read(written, place)
        except StepError as error:
            name = error.place.path[-1]
            error.error.message = f"`{name}`: {error.error.message}" if isinstance(name, str) else error.error.message
            self.findings.bad(item.address, error.place.position, error.error)
        except _StepTemplateError as error:
            self.findings.template(item.address, error.place, error.error)
        return None

    def _step_text(self, text: str, place: Place, item: Item) -> str:
        try:
            return self.scope.render(text, item.values)
        except TemplateError as error:
            raise _StepTemplateError(place, error) from error

    def _font(self, text: str, place: Place, item: Item) -> str:
        path = self.finder.find(text, place, item.address)
        return text if path is None else path


class _StepTemplateError(Exception):
    """A template in a step that failed, and where it stands."""

    def __init__(self, place: Place, error: TemplateError) -> None:
        super().__init__(str(error))
        self.place = place
        self.error = error
