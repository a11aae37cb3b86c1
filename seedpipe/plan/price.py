"""What one picture costs at most, from the catalogue's list prices."""

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.money import Money


def pixels_of(size: str) -> tuple[int, int] | None:
    """`2848x1600` → (2848, 1600); None for a tier."""
    width, _, height = size.partition("x")
    return (int(width), int(height)) if width.isdigit() and height.isdigit() else None


def price_of(catalogue: Catalogue, provider: str, model_id: str, size: str, *, inputs: int) -> Money:
    """List price of one picture. Where the model picks the pixels, that of the dearest shape of the tier or model."""
    exact = pixels_of(size)
    if exact is not None:
        return catalogue.price(provider, model_id, *exact, inputs=inputs)
    model = catalogue.model(model_id, provider)
    shapes = model.sizes[size].values() if size in model.sizes else [(model.pixels.max, 1)]
    return max(
        (catalogue.price(provider, model_id, *shape, inputs=inputs) for shape in shapes),
        key=lambda money: money.micros,
    )


def layer_prices(catalogue: Catalogue, provider: str, model_id: str, size: str) -> tuple[Money, Money]:
    """List price of one picture of a decomposition, at least and at most; `auto` may mean any size that the model makes.

    Raises `UnknownPriceError`.
    """
    model = catalogue.model(model_id, provider)
    shapes = model.sizes[size].values() if size in model.sizes else [(model.pixels.min, 1), (model.pixels.max, 1)]
    prices = [catalogue.layer_price(provider, model_id, *shape) for shape in shapes]
    return min(prices, key=lambda money: money.micros), max(prices, key=lambda money: money.micros)


def currency_of(catalogue: Catalogue, provider: str) -> str:
    """The currency that a provider bills in."""
    prices = [offer.price for offer in catalogue.provider(provider).offers.values() if offer.price is not None]
    return prices[0].currency if prices else "USD"
