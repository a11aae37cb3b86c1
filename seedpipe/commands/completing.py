"""What may come next on a command line that only the project knows: pictures, profiles, providers, axes."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem

from seedpipe.commands.invocation import Invocation
from seedpipe.commands.opening import opened
from seedpipe.names import Realm, definition_of
from seedpipe.project.project import Project

MANY: Final = 40  # pictures; of more only the entries are offered, until one is begun
_BY: Final = ("tag", "model", "state", "name")


def pictures(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Entries, addresses and tags of the project; `x/axis=value` once `x/` is typed."""
    project = _project(ctx)
    if project is None:
        return []
    lead = "+" if incomplete.startswith("+") else ""
    begun = incomplete.removeprefix("+")
    return _items((lead + name for name in _names(project, begun)), incomplete)


def _names(project: Project, begun: str) -> Iterator[str]:
    addresses = project.graph.addresses
    if "/" in begun or "#" in begun or len(addresses) <= MANY:
        yield from addresses
    yield from (definition_of(address) for address in addresses)
    yield from (f"tag:{tag}" for node in project.graph for tag in node.tags)
    if "/" in begun:
        yield from (f"{definition_of(one.address)}/{axis}={value}" for one in project.graph for axis, value in one.axes)


def profiles(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    project = _project(ctx, plain=True)
    return _items(project.manifest.profiles if project else (), incomplete)


def providers(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    project = _project(ctx, plain=True)
    return _items(project.catalogue.providers if project else (), incomplete)


def axes(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    project = _project(ctx)
    found = (axis for node in project.graph for axis, _ in node.axes) if project else ()
    return _items([*found, *_BY], incomplete)


def _items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]


def _project(ctx: click.Context, *, plain: bool = False) -> Project | None:
    """As the line names it so far; None where there is none that can be opened."""
    above, flags = ctx.find_root(), {} if plain else ctx.params
    invocation = Invocation(
        console=None,  # type: ignore[arg-type]  # nothing is said
        folder=above.params.get("folder") or Path(),
        file=above.params.get("file"),
    )
    with contextlib.suppress(Exception):
        return opened(invocation, profile=flags.get("profile"), realm=Realm.LIVE)
    return None
