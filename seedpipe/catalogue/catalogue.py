"""`load_catalogue`: the shipped facts with the user's files on top. The door of this room."""

import importlib.resources
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from seedpipe.catalogue.currency import check_currency, priced_like
from seedpipe.catalogue.lookup import (
    Catalogue,
    NotServedError,
    UnknownModelError,
    UnknownPriceError,
    UnknownProviderError,
)
from seedpipe.catalogue.model import Model
from seedpipe.catalogue.names import normal_name
from seedpipe.catalogue.provider import Offer, Price, Provider
from seedpipe.catalogue.records import read_model, read_provider
from seedpipe.catalogue.tree import (
    Branch,
    CatalogueFault,
    Entry,
    Leaf,
    Tree,
    branch_of,
    merge,
    read_tree,
)
from seedpipe.source import Position

__all__ = [
    "Catalogue",
    "CatalogueFault",
    "Model",
    "NotServedError",
    "Offer",
    "Price",
    "Provider",
    "UnknownModelError",
    "UnknownPriceError",
    "UnknownProviderError",
    "load_catalogue",
]

_DATED: Final = re.compile(r"(.+)-[0-9]{6}\Z")
# What `like` doesn't take over: another server never gets a key by being like one.
_OWN: Final = ("id", "aliases", "hosts", "key_variables", "keys_apart", "key_hint", "endpoints", "notes", "discount",
               "free_images")  # fmt: skip


def load_catalogue(user_texts: Sequence[tuple[str, bytes]] = ()) -> Catalogue:
    """The shipped catalogue with user files, (name, bytes) each, merged on top in order.

    A user file has `models:` and `providers:`, both mappings by id. An entry is merged over the shipped one;
    a new one is complete, or says `like: <id>` and what differs; `key: null` takes something away. Raises
    `CatalogueFault` (a `UsageError`) with the position of whatever is wrong.
    """
    if not user_texts:
        return _shipped_catalogue()
    models, providers = (dict(trees) for trees in _shipped_trees())
    for file, data in user_texts:
        entry = Entry(read_tree(file, data))
        for key, trees in (("models", models), ("providers", providers)):
            if entry.has(key):
                _lay_over(trees, entry.entry(key))
        entry.finish()
    return _build(models, providers)


def _lay_over(trees: dict[str, Branch], entry: Entry) -> None:
    for name, tree in entry.entries():
        if isinstance(tree, Leaf) and tree.text is None:
            trees.pop(name, None)
            continue
        branch = branch_of(tree, name)
        own = Entry(branch)
        base = trees.get(name)
        if own.has("like"):
            like = own.text("like")
            if like not in trees:
                raise own.fault(f"there is no `{like}` to be like", "like")
            base = priced_like(trees[like].without(*_OWN), branch)
        elif base is None:
            base = Branch(branch.position, {}, {})
        trees[name] = branch_of(merge(base, branch.without("like")), name)


@lru_cache(maxsize=1)
def _shipped_trees() -> tuple[Mapping[str, Branch], Mapping[str, Branch]]:
    folder = importlib.resources.files("seedpipe.catalogue")
    found: list[Mapping[str, Branch]] = []
    for room in ("models", "providers"):
        files = sorted(
            (item for item in folder.joinpath(room).iterdir() if item.name.endswith(".yaml")),
            key=lambda item: item.name,
        )
        branches = [read_tree(f"{room}/{file.name}", file.read_bytes()) for file in files]
        trees: dict[str, Branch] = {}
        for branch in sorted(branches, key=lambda branch: "like" in branch.items):  # what others are like comes first
            name = Entry(branch).text("id")
            _lay_over(trees, Entry(Branch(branch.position, {name: branch}, {})))
        found.append(MappingProxyType(trees))
    return found[0], found[1]


@lru_cache(maxsize=1)
def _shipped_catalogue() -> Catalogue:
    models, providers = _shipped_trees()
    return _build(models, providers)


def _build(model_trees: Mapping[str, Branch], provider_trees: Mapping[str, Branch]) -> Catalogue:
    models = [read_model(name, tree) for name, tree in model_trees.items()]
    models.sort(key=lambda model: model.released, reverse=True)
    own_names = _names(models, (), model_trees)
    providers: dict[str, Provider] = {}
    served: dict[tuple[str, str], Model] = {}
    for name, tree in provider_trees.items():
        provider, overrides = read_provider(name, tree, own_names)
        check_currency(name, tree)
        providers[name] = provider
        served.update(_serve(provider, models, overrides, model_trees))
    served = _knowing_others(served, providers)
    return Catalogue(
        models=MappingProxyType({model.id: replace(model, peers=tuple(models)) for model in models}),
        providers=MappingProxyType(providers),
        served=MappingProxyType(served),
        names=MappingProxyType(_names(models, providers.values(), model_trees, provider_trees)),
    )


def _serve(
    provider: Provider, models: Sequence[Model], overrides: Mapping[str, Tree], trees: Mapping[str, Branch]
) -> dict[tuple[str, str], Model]:
    """The provider's models, newest first, each with its overrides and knowing the others."""
    own = [_with_overrides(model, overrides, trees) for model in models if model.id in provider.offers]
    return {(provider.id, model.id): replace(model, peers=tuple(own)) for model in own}


def _knowing_others(served: Mapping[tuple[str, str], Model], providers: Iterable[str]) -> dict[tuple[str, str], Model]:
    """Each with what the other providers serve, for sentences."""
    theirs = {
        provider: tuple(model for (name, _), model in served.items() if name == provider) for provider in providers
    }
    return {
        (provider, id_): replace(
            model, elsewhere=tuple((other, models) for other, models in theirs.items() if other != provider)
        )
        for (provider, id_), model in served.items()
    }


def _with_overrides(model: Model, overrides: Mapping[str, Tree], trees: Mapping[str, Branch]) -> Model:
    if model.id not in overrides:
        return model
    return read_model(model.id, branch_of(merge(trees[model.id], overrides[model.id]), model.id))


def _names(
    models: Iterable[Model],
    providers: Iterable[Provider],
    model_trees: Mapping[str, Branch],
    provider_trees: Mapping[str, Branch] = MappingProxyType({}),
) -> dict[str, str]:
    """Every spelling → dated id. One spelling for two models is a fault."""
    names: dict[str, str] = {}

    def claim(spelling: str, dated_id: str, provider: str = "") -> None:
        owner = names.setdefault(normal_name(spelling), dated_id)
        if owner != dated_id:
            said = [provider_trees.get(provider), model_trees[dated_id], model_trees[owner]]
            position = _position_of([branch for branch in said if branch is not None])
            raise CatalogueFault(f"`{spelling}` is a name of both `{owner}` and `{dated_id}`", position=position)

    for model in models:
        for spelling in (model.id, *model.aliases):
            claim(spelling, model.id)
    for provider in providers:
        for offer in provider.offers.values():
            for spelling in (offer.wire, *offer.also):
                claim(spelling, offer.model, provider.id)
    for model in models:
        undated = _DATED.match(model.id)
        if undated:
            names.setdefault(normal_name(undated[1]), model.id)
    return names


def _position_of(branches: Sequence[Branch]) -> Position:
    """Where the first of them stands that a user wrote, else the first."""
    shipped = [branch for room in _shipped_trees() for branch in room.values()]
    written = [branch for branch in branches if not any(branch is one for one in shipped)]
    return (written or branches)[0].position
