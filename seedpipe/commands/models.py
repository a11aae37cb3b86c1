"""`seedpipe models`: what the models can do and cost."""

import os
from collections.abc import Sequence

import click

from seedpipe.catalogue.compare import Compared, compare
from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.provider import Provider
from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation
from seedpipe.commands.migrating import Ask, say_migration
from seedpipe.limits import ExitCode
from seedpipe.project.project import users_catalogue
from seedpipe.project.trust import DEFAULT_PROVIDER
from seedpipe.review.models_text import model_text, models_text, offers_text
from seedpipe.state.home import config_folder
from seedpipe.state.settings import read_settings

_ALL = "all"


@click.command("models")
@click.argument("names", nargs=-1, metavar="[MODEL]...")
@option(
    "--migrate",
    nargs=2,
    metavar="FROM TO",
    help="What this project must change to move from one model to another, and the price. Changes nothing.",
)
@option(
    "--provider",
    metavar="NAME",
    help=f"Whose models and prices; `all` compares them. [default: {DEFAULT_PROVIDER}; with --migrate the manifest's]",
)
@option("--var", "variables", multiple=True, metavar="KEY=VALUE", help="With --migrate: set a variable.")
@option("--profile", metavar="NAME", help="With --migrate: a profile of the manifest.")
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    names: tuple[str, ...],
    migrate: tuple[str, str] | None,
    provider: str | None,
    variables: tuple[str, ...],
    profile: str | None,
    as_json: bool,
) -> int:
    """Compare the models of a provider: price, tiers, formats, references, batches, and the cheapest for each ability.

    Of a MODEL that is named everything: the exact pixels of every tier and aspect, and what each provider asks for it.
    With --migrate the names are targets as `plan` takes them, none means all pictures.

    \b
    Example:
      seedpipe models
      seedpipe models seedream-4-5 --provider byteplus
      seedpipe models --migrate seedream-4-0 seedream-5-0
    """
    if migrate is not None:
        ask = Ask(
            source=migrate[0],
            target=migrate[1],
            targets=names,
            provider=provider,
            profile=profile,
            variables=variables,
            as_json=as_json,
        )
        return say_migration(invocation, ask)
    return _compare(invocation, names, provider or DEFAULT_PROVIDER, as_json=as_json)


def _compare(invocation: Invocation, names: Sequence[str], provider: str, *, as_json: bool) -> int:
    catalogue = users_catalogue(read_settings(config_folder(os.environ)))
    wanted = list(dict.fromkeys(catalogue.model_id(name) for name in names))
    providers = list(catalogue.providers.values()) if provider == _ALL else [catalogue.provider(provider)]
    if provider != _ALL:
        for dated_id in wanted:
            catalogue.offer(dated_id, provider)
    console = invocation.console
    if as_json:
        found = [_entry(one, _rows(catalogue, one, wanted)) for one in providers]
        console.data({"seedpipe_models": 1, "providers": found})
    elif provider == _ALL:
        console.out(offers_text(_everywhere(catalogue, wanted), width=console.width, style=console.style))
    elif wanted:
        pages = [
            model_text(
                row,
                providers[0],
                _everywhere(catalogue, [row.model.id]),
                width=console.width,
                style=console.style,
            )
            for row in _rows(catalogue, providers[0], wanted)
        ]
        console.out("\n\n".join(pages))
    else:
        rows = _rows(catalogue, providers[0], ())
        console.out(models_text(providers[0], rows, width=console.width, style=console.style))
    return ExitCode.DONE


def _rows(catalogue: Catalogue, provider: Provider, wanted: Sequence[str]) -> Sequence[Compared]:
    return [row for row in compare(catalogue, provider.id) if not wanted or row.model.id in wanted]


def _everywhere(catalogue: Catalogue, wanted: Sequence[str]) -> Sequence[tuple[Provider, Compared]]:
    """Model by model, newest first, each at all its providers."""
    found = [(one, row) for one in catalogue.providers.values() for row in _rows(catalogue, one, wanted)]
    order = {dated_id: number for number, dated_id in enumerate(catalogue.models)}
    return sorted(found, key=lambda pair: order[pair[1].model.id])


def _entry(provider: Provider, rows: Sequence[Compared]) -> dict[str, object]:
    discount = provider.discount
    return {
        "id": provider.id,
        "title": provider.title,
        "base_url": provider.base_url,
        "key_variables": list(provider.key_variables),
        "discount": None if discount is None else {"percent": discount.percent, "by": discount.by},
        "free_images": provider.free_images,
        "notes": list(provider.notes),
        "models": [row.to_dict() for row in rows],
    }
