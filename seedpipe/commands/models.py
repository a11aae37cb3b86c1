"""`seedpipe models`: what the models can do and cost."""

import os
from collections.abc import Mapping

import click

from seedpipe.catalogue.compare import ModelRow, compare
from seedpipe.catalogue.model import Model
from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation
from seedpipe.display import wrap
from seedpipe.limits import ExitCode
from seedpipe.project.project import users_catalogue
from seedpipe.state.home import config_folder
from seedpipe.state.settings import read_settings

_SHOWN = ("status", "price", "estimate", "tiers", "pixels", "formats", "modes", "references", "optimize", "features")
_LABEL = 12


@click.command("models")
@click.argument("names", nargs=-1, metavar="[MODEL]...")
@option("--provider", metavar="NAME", default="apiyi", show_default=True, help="Whose models and prices.")
@json_option
@pass_invocation
def command(invocation: Invocation, names: tuple[str, ...], provider: str, as_json: bool) -> int:
    """List the models of a provider with their price, tiers, limits and modes.

    Of a MODEL that is named, also the exact pixels of every tier and aspect.

    \b
    Example:
      seedpipe models
      seedpipe models seedream-4-5 --provider byteplus
    """
    catalogue = users_catalogue(read_settings(config_folder(os.environ)))
    wanted = {catalogue.model_id(name) for name in names}
    for dated_id in sorted(wanted):
        catalogue.offer(dated_id, provider)
    rows = [row for row in compare(catalogue, provider) if not wanted or row.id in wanted]
    if as_json:
        models = [
            {
                "id": row.id,
                "wire": row.wire,
                **{name: getattr(row, name) for name in _SHOWN},
                "sizes": _sizes(row.model),
            }
            for row in rows
        ]
        invocation.console.data({"seedpipe_models": 1, "provider": provider, "models": models})
        return ExitCode.DONE
    invocation.console.out("\n\n".join(_page(row, invocation, whole=bool(names)) for row in rows))
    for note in catalogue.provider(provider).notes:
        invocation.console.note(f"\n{catalogue.provider(provider).title}: {note}")
    return ExitCode.DONE


def _page(row: ModelRow, invocation: Invocation, *, whole: bool) -> str:
    style = invocation.console.style
    room = invocation.console.width - _LABEL - 2
    facts = [(name, wrap(value, room)) for name in _SHOWN if (value := getattr(row, name))]
    if whole:
        facts += [(tier, _columns(sizes, room)) for tier, sizes in _sizes(row.model).items()]
    lines = [f"{style.bold(row.id)}  {row.title}"]
    for name, values in facts:
        lines += [f"  {style.dim(('' if at else name).ljust(_LABEL))}{value}" for at, value in enumerate(values)]
    return "\n".join(lines)


def _columns(sizes: Mapping[str, str], width: int) -> list[str]:
    """`16:9 2848x1600` and so on, as many beside each other as fit."""
    cells = [f"{aspect:>4} {size}" for aspect, size in sizes.items()]
    wide = max(map(len, cells), default=0) + 2
    many = max(width // wide, 1)
    return ["".join(cell.ljust(wide) for cell in cells[at : at + many]).rstrip() for at in range(0, len(cells), many)]


def _sizes(model: Model) -> dict[str, dict[str, str]]:
    """Tier → aspect → `WxH`."""
    return {
        tier: {aspect: f"{width}x{height}" for aspect, (width, height) in column.items()}
        for tier, column in model.sizes.items()
        if tier in model.tiers or not model.tiers  # a provider may serve fewer tiers than the model has
    }
