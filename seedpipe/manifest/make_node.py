"""One item of a definition → its node: every template rendered, every value converted, every reference found."""

from collections.abc import Mapping
from typing import Any

from seedpipe.errors import Severity
from seedpipe.manifest.definition import Place, Setting
from seedpipe.manifest.expand_steps import StepError, StepReader, step_has_template
from seedpipe.manifest.fields import is_pixels, to_tag, to_url
from seedpipe.manifest.findings import BadValueError, Findings
from seedpipe.manifest.matrix import Item
from seedpipe.manifest.node import DerivedNode, ImageNode, Node, Reference, SourceNode
from seedpipe.manifest.normalise import normalise_text
from seedpipe.manifest.paths import PathRefusedError, is_glob, resolve, similar_files
from seedpipe.manifest.recipe import Kind, Recipe
from seedpipe.manifest.references import NO_REFERENCES, AddressBook, ReferencePlan, Resolved
from seedpipe.manifest.scope import Scope
from seedpipe.manifest.steps import Overlay, Step
from seedpipe.manifest.template import TemplateError, Where, WholeFile
from seedpipe.manifest.values import is_template
from seedpipe.source import Position, ProjectFiles, ReadRefusedError


class NodeMaker:
    """Makes nodes. What is wrong goes to the findings; a node with a fault may come out incomplete, or not at all."""

    def __init__(self, scope: Scope, book: AddressBook, files: ProjectFiles, findings: Findings) -> None:
        self.scope = scope
        self.book = book
        self.files = files
        self.findings = findings
        self.prompt_texts: dict[str, str] = {}
        self._missing: set[str] = set()
        self._present: set[str] = set()

    def make(self, recipe: Recipe, item: Item) -> Node | None:
        match recipe.kind:
            case Kind.SOURCE:
                return self._source(recipe, item)
            case Kind.IMAGE:
                return self._image(recipe, item)
            case Kind.DERIVED:
                return self._derived(recipe, item)

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
                path = self._file(text, setting.place, item)
        except BadValueError as error:
            self.findings.bad(item.address, setting.place.position, error)
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

    def _file(self, text: str, place: Place, item: Item) -> str | None:
        """The path of a file of the project that is there."""
        try:
            path = resolve(place.file, text)
            if path in self._present or (path not in self._missing and self.files.exists(path)):
                self._present.add(path)
                return path
            hint = None
            if path not in self._missing:
                self._missing.add(path)
                hint = similar_files(self.files, path)
            self.findings.item(item.address, "file-not-found", f"there is no file `{path}`", place.position, hint)
        except PathRefusedError as error:
            self.findings.item(item.address, "bad-path", str(error), place.position, error.hint)
        except ReadRefusedError as error:
            self.findings.item(item.address, "read-refused", str(error), place.position)
        except OSError as error:
            message = f"`{text}` cannot be read: {error.strerror or error}"
            self.findings.item(item.address, "read-failed", message, place.position)
        return None

    # images

    def _image(self, recipe: Recipe, item: Item) -> ImageNode | None:
        values = self._scalars(recipe, item)
        resolved = self._references(recipe, item)
        prompt, prompt_position = self._prompt(recipe, item, resolved)
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
            prompt=prompt,
            prompt_position=prompt_position,
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

    def _references(self, recipe: Recipe, item: Item) -> Resolved:
        setting = recipe.settings.get("references")
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

    def _prompt(self, recipe: Recipe, item: Item, resolved: Resolved) -> tuple[str | None, Position]:
        made = recipe.made.get("prompt")
        if made is None:
            made = recipe.made["prompt"] = self._prompt_source(recipe, item)
        text, where, keep = made
        if not keep:
            recipe.made.pop("prompt")  # the file's name is a template
        if where is None:
            return None, recipe.position
        values = {**item.values, "refs": resolved.refs}
        try:
            parts = [self.scope.render(text, values)]
            for append in recipe.appends:
                where = append.place
                parts.append(self.scope.render(append.value, values))
        except TemplateError as error:
            self.findings.template(item.address, where, error)
            return None, where.position
        prompt = normalise_text("\n".join(normalise_text(part) for part in parts))
        if not prompt.strip():
            self.findings.item(item.address, "empty-prompt", "the prompt is empty", made[1].position)
            return None, made[1].position
        return prompt, recipe.made.get("prompt_position") or self._remember(recipe, made[1], keep)

    def _remember(self, recipe: Recipe, where: Where, keep: bool) -> Position:
        position = where.line(1)
        if keep:
            recipe.made["prompt_position"] = position
        return position

    def _prompt_source(self, recipe: Recipe, item: Item) -> tuple[str, Where | None, bool]:
        """The prompt's template, where it stands, and whether that is so for all items of the recipe."""
        setting = recipe.settings.get("prompt")
        if setting is not None:
            return setting.value, setting.place, True
        setting = recipe.settings.get("prompt_file")
        if setting is None:
            message = "this item has neither `prompt` nor `prompt_file`"
            self.findings.item(item.address, "no-kind", message, recipe.position, "its overrides match other items")
            return "", None, False
        name = self._text(setting, item)
        path = None if name is None else self._file(name, setting.place, item)
        if path is None:
            return "", None, False
        if path not in self.prompt_texts:
            self._read_prompt(path, setting.place, item)
        text = self.prompt_texts.get(path)
        return (text or ""), (None if text is None else WholeFile(path)), not is_template(setting.value)

    def _read_prompt(self, path: str, place: Place, item: Item) -> None:
        try:
            self.prompt_texts[path] = self.files.read(path).decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            message = f"`{path}` is not UTF-8 text"
            self.findings.item(item.address, "encoding", message, place.position, "save the file as UTF-8")
        except (ReadRefusedError, OSError) as error:
            self.findings.item(item.address, "read-refused", str(error), place.position)

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
        path = self._file(text, place, item)
        return text if path is None else path


class _StepTemplateError(Exception):
    """A template in a step that failed, and where it stands."""

    def __init__(self, place: Place, error: TemplateError) -> None:
        super().__init__(str(error))
        self.place = place
        self.error = error
