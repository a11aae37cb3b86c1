"""Prompts: from `prompt` or `prompt_file` and the overrides' `prompt_append` to the text that is sent and keyed."""

from dataclasses import dataclass

from seedpipe.limits import MAX_RENDERED_CHARS
from seedpipe.manifest.definition import Setting
from seedpipe.manifest.finder import FileFinder
from seedpipe.manifest.findings import Findings
from seedpipe.manifest.matrix import Item
from seedpipe.manifest.normalise import normalise_text
from seedpipe.manifest.recipe import Recipe
from seedpipe.manifest.rows import Refs
from seedpipe.manifest.scope import Scope
from seedpipe.manifest.template import TemplateError, Where, WholeFile
from seedpipe.manifest.values import is_template
from seedpipe.source import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSource:
    """The template of a prompt. `first_line` is where its text begins."""

    text: str
    where: Where
    first_line: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A part of a prompt as it is written: a template, and where it stands."""

    text: str
    where: Where


class PromptMaker:
    def __init__(self, scope: Scope, finder: FileFinder, findings: Findings) -> None:
        self.scope = scope
        self.finder = finder
        self.findings = findings

    def shared(self, recipe: Recipe, item: Item, refs: Refs) -> tuple[str, Position] | None:
        """The words that all frames of a sequence share; it need not have any."""
        if not recipe.appends and not {"prompt", "prompt_file"} & recipe.settings.keys():
            return "", recipe.position
        return self.prompt(recipe, item, refs)

    def prompt(self, recipe: Recipe, item: Item, refs: Refs) -> tuple[str, Position] | None:
        """The normalised prompt of an item and where it stands; None after a fault."""
        source = self._source(recipe, item)
        if source is None:
            return None
        same: str | None = recipe.made.get("prompt_text")
        if same is not None:
            return same, source.first_line
        values = {**item.values, "refs": refs}
        where = source.where
        try:
            parts = [normalise_text(self.scope.render(source.text, values))]
            for append in recipe.appends:
                where = append.place
                parts.append(normalise_text(self.scope.render(append.value, values)))
        except TemplateError as error:
            self.findings.template(item.address, where, error)
            return None
        prompt = normalise_text("\n".join(parts))
        if not prompt.strip():
            self.findings.item(item.address, "empty-prompt", "the prompt is empty", source.where.position)
            return None
        if len(prompt) > MAX_RENDERED_CHARS:
            message = f"the prompt has {len(prompt):,} characters; the limit is {MAX_RENDERED_CHARS:,}"
            self.findings.item(item.address, "prompt-too-long", message, source.where.position)
            return None
        if "prompt" in recipe.made and not any(map(is_template, (source.text, *(a.value for a in recipe.appends)))):
            recipe.made["prompt_text"] = prompt
        return prompt, source.first_line

    def written(self, recipe: Recipe, item: Item) -> tuple[Written, ...]:
        """The parts that `prompt` renders and joins, in order; none of an item without words."""
        if not recipe.appends and not {"prompt", "prompt_file"} & recipe.settings.keys():
            return ()
        source = self._source(recipe, item)
        if source is None:
            return ()
        appends = (Written(text=append.value, where=append.place) for append in recipe.appends)
        return (Written(text=source.text, where=source.where), *appends)

    def _source(self, recipe: Recipe, item: Item) -> PromptSource | None:
        source: PromptSource | None = recipe.made.get("prompt")
        if source is not None:
            return source
        setting = recipe.settings.get("prompt")
        if setting is not None:
            source = PromptSource(text=setting.value, where=setting.place, first_line=setting.place.line(1))
        else:
            setting = recipe.settings.get("prompt_file")
            if setting is None:
                message = "this item has neither `prompt` nor `prompt_file`"
                hint = "its overrides match other items"
                self.findings.item(item.address, "no-kind", message, recipe.position, hint)
                return None
            source = self._file_source(setting, item)
            if source is None or is_template(setting.value):
                return source
        recipe.made["prompt"] = source
        return source

    def _file_source(self, setting: Setting, item: Item) -> PromptSource | None:
        try:
            name = self.scope.render(setting.value, item.values)
        except TemplateError as error:
            self.findings.template(item.address, setting.place, error)
            return None
        path = self.finder.find(name, setting.place, item.address)
        text = None if path is None else self.finder.text(path, setting.place, item.address)
        if path is None or text is None:
            return None
        where = WholeFile(path)
        return PromptSource(text=text, where=where, first_line=where.position)
