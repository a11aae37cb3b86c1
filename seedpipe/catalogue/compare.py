"""Rows for `seedpipe models`: the catalogue as a table."""

from dataclasses import dataclass

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.model import Mode, Model
from seedpipe.catalogue.provider import Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model at one provider, as short texts for a table; `model` and `offer` have the values."""

    id: str
    title: str
    status: str
    released: str
    wire: str
    price: str
    estimate: str  # empty if the provider gives none
    tiers: str
    pixels: str
    formats: str
    modes: str
    references: str
    optimize: str
    features: str
    seconds: str
    model: Model
    offer: Offer


def compare(catalogue: Catalogue, provider: str) -> tuple[ModelRow, ...]:
    """The provider's models, newest first. Raises `UnknownProviderError`."""
    offers = catalogue.provider(provider).offers
    return tuple(
        _row(catalogue.model(dated_id, provider), offers[dated_id])
        for dated_id in catalogue.models
        if dated_id in offers
    )


def _row(model: Model, offer: Offer) -> ModelRow:
    price = offer.price
    return ModelRow(
        id=model.id,
        title=model.title,
        status=str(model.status),
        released=model.released,
        wire=offer.wire,
        price="not known" if price is None else price.summary(),
        estimate="" if price is None or price.estimate is None else f"≈ {price.estimate}",
        tiers=" ".join(model.tiers) or model.default_size,
        pixels=f"{model.pixels.min:,} to {model.pixels.max:,}",
        formats=" ".join(model.output_formats),
        modes=" ".join(mode for mode in Mode if mode in model.modes),
        references=str(model.references.max),
        optimize=" ".join(model.optimize_modes),
        features=" ".join(sorted(model.features)),
        seconds=f"{model.seconds_per_image:g}",
        model=model,
        offer=offer,
    )
