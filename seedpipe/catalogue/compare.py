"""The catalogue compared: what each model of a provider can do and costs, and the cheapest for each ability."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.model import Feature, Mode, Model
from seedpipe.catalogue.provider import Offer, Provider
from seedpipe.catalogue.sizes import ratio_text, size_text
from seedpipe.money import Money

_DATE: Final = re.compile(r"-[0-9]{6}\Z")
FEATURE_WORDS: Final[Mapping[Feature, str]] = {
    Feature.BACKGROUND: "transparency",
    Feature.LAYERS: "layers",
    Feature.WEB_SEARCH: "web search",
    Feature.SEED: "seed",
    Feature.GUIDANCE_SCALE: "guidance scale",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One model at one provider. `name` is what one writes in a manifest."""

    name: str
    model: Model
    offer: Offer

    @property
    def most_frames(self) -> int | None:
        """How many pictures one request can bring; None for a model without sequences."""
        return self.model.references.total if Mode.SEQUENCE in self.model.modes else None

    @property
    def extras(self) -> tuple[str, ...]:
        """What it can beyond tiers, formats, references and batches, in people's words."""
        extras = ["streams"] if Mode.STREAM in self.model.modes else []
        extras += [f"{mode} prompts" for mode in self.model.optimize_modes if mode != "standard"]
        return (*extras, *(words for feature, words in FEATURE_WORDS.items() if self.model.has(feature)))

    def cost_at(self, tier: str) -> Money | None:
        """List price of a square picture of `tier`; None if it can't be bought."""
        if self.offer.price is None or not self.model.is_usable:
            return None
        return self.offer.price.total(*self.model.size_for(tier), inputs=0)

    def to_dict(self) -> dict[str, Any]:
        """As JSON; sizes are `WxH`, amounts text. `price` is null where it is not known."""
        model, limits = self.model, self.model.references
        return {
            "id": model.id,
            "name": self.name,
            "title": model.title,
            "status": str(model.status),
            "released": model.released,
            "aliases": list(model.aliases),
            "wire": self.offer.wire,
            "price": None if self.offer.price is None else self.offer.price.to_dict(),
            "tiers": list(model.tiers),
            "sizes": sizes_of(model),
            "default_size": model.default_size,
            "pixels": {"min": model.pixels.min, "max": model.pixels.max},
            "aspect": {"min": ratio_text(model.aspect.min), "max": ratio_text(model.aspect.max)},
            "formats": list(model.output_formats),
            "modes": [str(mode) for mode in Mode if mode in model.modes],
            "optimize_prompt": list(model.optimize_modes),
            "features": sorted(map(str, model.features)),
            "references": {
                "max": limits.max,
                "total": limits.total,
                "formats": list(limits.formats),
                "max_bytes": limits.max_bytes,
            },
            "prompt": {"words": model.prompt.words, "characters": model.prompt.characters},
            "seconds_per_image": model.seconds_per_image,
            "images_per_minute": model.images_per_minute,
            "notes": list(model.notes),
        }


def compare(catalogue: Catalogue, provider: str) -> tuple[Compared, ...]:
    """The provider's models, newest first. Raises `UnknownProviderError`."""
    offers = catalogue.provider(provider).offers
    return tuple(
        Compared(
            name=short_name(catalogue, dated_id),
            model=catalogue.model(dated_id, provider),
            offer=offers[dated_id],
        )
        for dated_id in catalogue.models
        if dated_id in offers
    )


def short_name(catalogue: Catalogue, dated_id: str) -> str:
    """The id without its date, where that still means this model."""
    undated = _DATE.sub("", dated_id)
    return undated if catalogue.names.get(undated) == dated_id else dated_id


def cheapest(rows: Sequence[Compared]) -> Mapping[str, Compared]:
    """Ability → the cheapest model that has it, for all abilities that not every model has."""
    found: dict[str, tuple[Money, Compared]] = {}
    usable = [row for row in rows if row.model.is_usable and row.offer.price is not None]
    for row in usable:
        for ability, cost in _abilities(row).items():
            if ability not in found or cost < found[ability][0]:
                found[ability] = cost, row
    common = {ability for ability in found if all(ability in _abilities(row) for row in usable)}
    order = sorted(found, key=lambda ability: (ability[:1].isalpha(), ability))
    return {ability: found[ability][1] for ability in order if ability not in common}


def _abilities(row: Compared) -> Mapping[str, Money]:
    """Each with what a picture costs that uses it."""
    price = row.offer.price
    if price is None:
        return {}
    tiers = {tier: row.cost_at(tier) or price.highest for tier in row.model.tiers}
    words = [*(name for name in row.model.output_formats if name != "jpeg"), *row.extras]
    words = [word for word in words if word != "streams"]  # streams are how batches come
    words += ["batches"] if Mode.SEQUENCE in row.model.modes else []
    return {**tiers, **dict.fromkeys(words, price.image)}


def sizes_of(model: Model) -> dict[str, dict[str, str]]:
    """Tier → aspect → `WxH`; a provider may serve fewer tiers than the model's table has."""
    return {
        tier: {aspect: size_text(size) for aspect, size in column.items()}
        for tier, column in model.sizes.items()
        if tier in model.tiers or not model.tiers
    }


def terms(provider: Provider) -> tuple[str, ...]:
    """What may make pictures cheaper than they are counted, in people's words."""
    said = []
    if provider.discount is not None:
        said.append(f"up to {provider.discount.percent} % less by {provider.discount.by}")
    if provider.free_images:
        said.append(f"{provider.free_images} free images once, at the first onboarding")
    return tuple(said)
