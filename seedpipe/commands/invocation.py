"""What every verb gets from the command line before it: the console, the folder, the manifest's name."""

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from seedpipe.console import Console
from seedpipe.state.memo import Inputs

Function = TypeVar("Function", bound=Callable[..., Any])

# By this a shell asks what may come next; `seedpipe completion` writes it into the shell's script.
COMPLETION_VARIABLE = "_SEEDPIPE_COMPLETE"
_NOT_MIRRORED = {"--yes"}  # consent is given by hand, each time


@dataclass(slots=True, kw_only=True)
class Invocation:
    """One run of the command line. `sources` grow as files are read, so that errors can show their lines.

    `searched` is where the search for the manifest began. A verb whose answer may be given again while nothing has
    changed says in `rests_on` what it rests on. `flags` belong to the commands that people are told (`command_flags`).
    """

    console: Console
    folder: Path
    file: str | None
    sources: list[Callable[[str], str | None]] = field(default_factory=list)
    searched: Path = Path()
    rests_on: Inputs | None = None
    flags: tuple[str, ...] = ()

    def text_of(self, file: str) -> str | None:
        """The text of a file that an error points into, if it can be had."""
        for source in self.sources:
            text = source(file)
            if text is not None:
                return text
        try:
            return (self.folder / file).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None


def option(*names: str, **settings: Any) -> Callable[[Function], Function]:
    """`click.option` whose long flag is mirrored by the environment: `--max-cost` by `SEEDPIPE_MAX_COST`."""
    long = next((name.split("/")[0] for name in names if name.startswith("--")), None)
    if long is not None and long not in _NOT_MIRRORED:
        settings.setdefault("envvar", "SEEDPIPE_" + long.removeprefix("--").replace("-", "_").upper())
    return click.option(*names, **settings)


def completes(kind: str) -> Callable[[click.Context, click.Parameter, str], list[Any]]:
    """For `shell_complete`: what `commands.completing` knows of this kind. It is imported when a shell asks."""

    def complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
        found: list[Any] = getattr(importlib.import_module("seedpipe.commands.completing"), kind)(ctx, incomplete)
        return found

    return complete


pictures = completes("pictures")


def gathered(name: str, group: type[Any]) -> Callable[[Function], Function]:
    """The flags that are called as the fields of `group`, a dataclass, reach the command as one: as its `name`."""
    names = [one.name for one in fields(group)]

    def decorate(function: Any) -> Any:
        @functools.wraps(function)
        def command(*arguments: Any, **flags: Any) -> Any:
            flags[name] = group(**{one: flags.pop(one) for one in names})
            return function(*arguments, **flags)

        return command

    return decorate


def project_options(function: Function) -> Function:
    """The flags of every verb that reads a project."""
    for decorate in (
        option(
            "--provider",
            metavar="NAME",
            shell_complete=completes("providers"),
            help="Another provider of the catalogue than the manifest's.",
        ),
        option(
            "--var",
            "variables",
            multiple=True,
            metavar="KEY=VALUE",
            help="Set a variable (with a profile or a proof).",
        ),
        option(
            "--profile",
            metavar="NAME",
            shell_complete=completes("profiles"),
            help="A profile of the manifest, with a lock and outputs of its own.",
        ),
    ):
        function = decorate(function)
    return function


class VerbGroup(click.Group):
    """A group whose verbs, mistyped, are told as all our errors are."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            raise importlib.import_module("seedpipe.commands.mistakes").no_verb(args[0], ctx, known)
        return super().resolve_command(ctx, args)


json_option = option("--json", "as_json", is_flag=True, help="Pure JSON on standard output.")
pass_invocation = click.make_pass_decorator(Invocation)
