"""`seedpipe models`: what the models can do and cost."""

import click

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.catalogue.compare import ModelRow, compare
from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation
from seedpipe.limits import ExitCode

_SHOWN = ("status", "price", "estimate", "tiers", "pixels", "formats", "modes", "references", "optimize", "features")


@click.command("models")
@option("--provider", metavar="NAME", default="apiyi", show_default=True, help="Whose models and prices.")
@json_option
@pass_invocation
def command(invocation: Invocation, provider: str, as_json: bool) -> int:
    """List the models of a provider with their price, tiers, limits and modes.

    \b
    Example:
      seedpipe models
      seedpipe models --provider byteplus --json
    """
    catalogue = load_catalogue()
    rows = compare(catalogue, provider)
    if as_json:
        models = [{"id": row.id, "wire": row.wire, **{name: getattr(row, name) for name in _SHOWN}} for row in rows]
        invocation.console.data({"seedpipe_models": 1, "provider": provider, "models": models})
        return ExitCode.DONE
    invocation.console.out("\n\n".join(_page(row, invocation) for row in rows))
    for note in catalogue.provider(provider).notes:
        invocation.console.note(f"\n{catalogue.provider(provider).title}: {note}")
    return ExitCode.DONE


def _page(row: ModelRow, invocation: Invocation) -> str:
    style = invocation.console.style
    lines = [f"{style.bold(row.id)}  {row.title}"]
    lines += [f"  {style.dim(name.ljust(11))}{value}" for name in _SHOWN if (value := getattr(row, name))]
    return "\n".join(lines)
