"""What a manifest's own provider says of models: their inference endpoints, and prices above the catalogue's. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.provider import Price
from seedpipe.errors import Fault, SeedpipeError
from seedpipe.manifest.definition import Provider
from seedpipe.money import Money
from seedpipe.source import Position


def with_own_terms(catalogue: Catalogue, provider: str, written: Provider) -> tuple[Catalogue, Sequence[Fault]]:
    """The catalogue as this project has it, and what is wrong with its terms.

    A manifest can't make pictures cheaper than the catalogue: that would loosen every cap.
    """
    faults: list[Fault] = []
    offers = dict(catalogue.provider(provider).offers)
    for model, endpoint, position in written.endpoints:
        try:
            dated_id = catalogue.model_id(model)
            offers[dated_id] = catalogue.offer(dated_id, provider).at_endpoint(endpoint)
        except SeedpipeError as error:
            faults.append(_fault("endpoint", error.message, position, error.hint))
        except ValueError as error:
            faults.append(_fault("endpoint", str(error), position))
    for model, money, position in written.prices:
        try:
            named = list(offers) if model == "*" else [catalogue.offer(catalogue.model_id(model), provider).model]
        except SeedpipeError as error:
            faults.append(_fault("price", error.message, position, error.hint))
            continue
        priced = {dated_id: price for dated_id in named if (price := offers[dated_id].price) is not None}
        faults += _too_low(named[0], money, position, list(priced.values()))
        for dated_id, price in priced.items():
            if price.currency == money.currency:
                offers[dated_id] = replace(offers[dated_id], price=price.at_least(money, "the manifest"))
    try:
        return catalogue.with_offers(provider, offers), tuple(dict.fromkeys(faults))
    except SeedpipeError as error:
        return catalogue, (*faults, _fault("endpoint", error.message, written.position))


def _too_low(model: str, money: Money, position: Position, listed: Sequence[Price]) -> list[Fault]:
    """What the manifest says of one model, or of all (then the cheapest is the one that counts)."""
    own = "write it in your own catalogue file"
    if not listed:
        return [_fault("price", f"the catalogue has no price of `{model}` to compare {money} with", position, own)]
    if money.currency != listed[0].currency:
        return [_fault("price", f"the price {money} is not in the provider's currency, {listed[0].currency}", position)]
    cheapest = min(listed, key=lambda price: price.image)
    if money < cheapest.image:
        message = f"the manifest's price {money} is below the catalogue's {cheapest.summary()}"
        return [_fault("price", message, position, "a lower price works only from the user's own catalogue file")]
    return []


def _fault(code: str, message: str, position: Position, hint: str | None = None) -> Fault:
    return Fault(code=code, message=message, position=position, hint=hint)
