"""A provider bills in one currency: two never add, so a plan in two could say no sum. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping

from seedpipe.catalogue.tree import Branch, CatalogueFault, Leaf, Tree
from seedpipe.money import Money
from seedpipe.source import Position


def priced_like(base: Branch, own: Branch) -> Branch:
    """What a provider is like, less the prices in a currency in which it doesn't bill, by those that it states itself."""
    stated = {currency for _, currency, _ in _prices(own)}
    foreign = {model for model, currency, _ in _prices(base) if currency not in stated} if stated else set()
    if not foreign:
        return base
    offers = {
        model: offer.without("price") if model in foreign and isinstance(offer, Branch) else offer
        for model, offer in _models(base).items()
    }
    models = base.items["models"]
    keys = models.keys if isinstance(models, Branch) else {}
    return Branch(base.position, {**base.items, "models": Branch(models.position, offers, keys)}, base.keys)


def check_currency(provider: str, tree: Branch) -> None:
    """Raises `CatalogueFault` at the first price that is not in the currency of most."""
    prices = list(_prices(tree))
    usual = Counter(currency for _, currency, _ in prices).most_common(1)
    for model, currency, position in prices:
        if currency != usual[0][0]:
            raise CatalogueFault(
                f"a provider bills in one currency: `{provider}` has other prices in {usual[0][0]},"
                f" and that of `{model}` is in {currency}",
                hint="a provider of its own, `like` this one, can bill in another",
                position=position,
            )


def _models(provider: Branch) -> Mapping[str, Tree]:
    models = provider.items.get("models")
    return models.items if isinstance(models, Branch) else {}


def _prices(provider: Branch) -> Iterator[tuple[str, str, Position]]:
    """Model, currency and place of every price; what is no price is told by whoever reads it."""
    for model, offer in _models(provider).items():
        price = offer.items.get("price") if isinstance(offer, Branch) else None
        image = price.items.get("image") if isinstance(price, Branch) else None
        if not isinstance(image, Leaf) or image.text is None:
            continue
        try:
            yield model, Money.parse(image.text).currency, image.position
        except ValueError:
            continue
