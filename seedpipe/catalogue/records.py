"""Trees of catalogue files → `Model`s and `Provider`s."""

import datetime
import re
from collections.abc import Mapping
from types import MappingProxyType

from seedpipe.catalogue.model import EXACT, Feature, Mode, Model, ModelStatus, PromptAdvice, ReferenceLimits
from seedpipe.catalogue.names import normal_name
from seedpipe.catalogue.provider import Discount, Offer, Price, Provider, host_of
from seedpipe.catalogue.sizes import AspectRange, PixelRange, parse_pixels, parse_ratio
from seedpipe.catalogue.tree import Branch, CatalogueFault, Entry, Tree, branch_of


def read_model(name: str, branch: Branch) -> Model:
    """Raises `CatalogueFault` for anything missing, unknown or contradicting itself."""
    entry = Entry(branch)
    prompt = entry.entry("prompt")
    model = Model(
        id=_own_id(entry, name),
        title=entry.text("title"),
        status=entry.kind("status", ModelStatus),
        released=entry.made("released", _date, "a date like `2026-01-28`"),
        aliases=entry.texts_if_any("aliases"),
        modes=entry.kinds("modes", Mode),
        tiers=tuple(tier.upper() for tier in entry.texts("tiers")),
        sizes=_sizes(entry.entry("sizes")),
        default_size=entry.text("default_size"),
        pixels=_pixel_range(entry.entry("pixels")),
        aspect=_aspect_range(entry.entry("aspect")),
        output_formats=entry.texts("output_formats"),
        sends_output_format=entry.flag("sends_output_format"),
        optimize_modes=entry.texts("optimize_modes"),
        features=entry.kinds("features", Feature),
        references=_references(entry.entry("references")),
        prompt=PromptAdvice(characters=prompt.integer("characters"), words=prompt.integer("words")),
        seconds_per_image=entry.seconds("seconds_per_image"),
        images_per_minute=entry.integer("images_per_minute"),
        notes=entry.texts_if_any("notes"),
    )
    prompt.finish()
    entry.finish()
    _check_sizes(model, entry)
    return model


def _own_id(entry: Entry, name: str) -> str:
    if not entry.has("id"):
        return name
    if entry.text("id") != name:
        raise entry.fault(f"`id` is not the name of its entry, `{name}`", "id")
    return name


def _date(text: str) -> str:
    return datetime.date.fromisoformat(text).isoformat()


def _check_sizes(model: Model, entry: Entry) -> None:
    """A table that the model itself would refuse is a mistake in the file."""
    for tier in model.tiers:
        if not model.sizes.get(tier):
            raise entry.fault(f"the tier `{tier}` has no sizes", "tiers")
        for aspect, (width, height) in model.sizes[tier].items():
            faults = model.size_faults(width, height)
            if faults:
                raise entry.fault(f"`{tier}` × `{aspect}`: {faults[0]}", "sizes")
    default = parse_pixels(model.default_size)
    if default is not None and model.size_faults(*default):
        raise entry.fault(model.size_faults(*default)[0], "default_size")
    if not model.output_formats or model.images_per_minute < 1:
        raise entry.fault("`output_formats` and `images_per_minute` can't be empty")


def _sizes(entry: Entry) -> Mapping[str, Mapping[str, tuple[int, int]]]:
    tiers: dict[str, Mapping[str, tuple[int, int]]] = {}
    for tier, tree in entry.entries():
        column = Entry(branch_of(tree, tier))
        name = tier if tier == EXACT else tier.upper()
        tiers[name] = MappingProxyType({aspect: _size(column, aspect) for aspect, _ in column.entries()})
    return MappingProxyType(tiers)


def _size(column: Entry, aspect: str) -> tuple[int, int]:
    try:
        parse_ratio(aspect)
    except ValueError as error:
        raise column.fault(str(error), aspect) from error
    size = parse_pixels(column.text(aspect))
    if size is None:
        raise column.fault(f"`{column.text(aspect)}` is not a size like `2048x2048`", aspect)
    return size


def _pixel_range(entry: Entry) -> PixelRange:
    found = PixelRange(min=entry.integer("min"), max=entry.integer("max"))
    entry.finish()
    return found


def _aspect_range(entry: Entry) -> AspectRange:
    expected = "a fraction like `1/16`"
    found = AspectRange(
        min=entry.made("min", parse_ratio, expected),
        max=entry.made("max", parse_ratio, expected),
    )
    entry.finish()
    return found


def _references(entry: Entry) -> ReferenceLimits:
    found = ReferenceLimits(
        max=entry.integer("max"),
        total=entry.integer("total"),
        formats=tuple(name.lower() for name in entry.texts("formats")),
        max_bytes=entry.integer("max_bytes"),
        pixels=_pixel_range(entry.entry("pixels")),
        min_side=entry.integer("min_side"),
        aspect=_aspect_range(entry.entry("aspect")),
    )
    entry.finish()
    return found


def read_provider(name: str, branch: Branch, names: Mapping[str, str]) -> tuple[Provider, Mapping[str, Tree]]:
    """The provider, and its overrides by dated id (to be merged over the models' own trees).

    `names` are the normal forms of all names of models, with their dated ids.
    """
    entry = Entry(branch)
    offers, overrides = _offers(entry.entry("models"), frozenset(names.values()))
    if entry.has("endpoints"):
        _lay_endpoints(entry.entry("endpoints"), offers, names)
    bases = _bases(entry)
    timeout, errors = entry.entry("timeout"), entry.entry("errors")
    provider = Provider(
        id=_own_id(entry, name),
        title=entry.text("title"),
        bases=bases,
        hosts=_hosts(entry, bases),
        key_variables=_key_variables(entry, name),
        keys_apart=entry.flag("keys_apart") if entry.has("keys_apart") else False,
        key_hint=entry.text("key_hint") if entry.has("key_hint") else None,
        offers=MappingProxyType(offers),
        timeout_first=timeout.seconds("first"),
        timeout_further=timeout.seconds("further"),
        timeout_min=timeout.seconds("min"),
        free_images=entry.integer("free_images") if entry.has("free_images") else 0,
        discount=_discount(entry.entry("discount")) if entry.has("discount") else None,
        unbilled_errors=frozenset(errors.texts("unbilled")),
        blocked_statuses=_statuses(errors),
        notes=entry.texts_if_any("notes"),
    )
    for part in (timeout, errors, entry):
        part.finish()
    return provider, overrides


def _offers(entry: Entry, models: frozenset[str]) -> tuple[dict[str, Offer], Mapping[str, Tree]]:
    offers: dict[str, Offer] = {}
    overrides: dict[str, Tree] = {}
    for model, tree in entry.entries():
        if model not in models:
            raise CatalogueFault(f"no model is called `{model}`", position=tree.position)
        offer = Entry(branch_of(tree, model))
        offers[model] = _offer(model, offer)
        if offer.has("overrides"):
            overrides[model] = branch_of(offer.branch.items["overrides"], "overrides")
        offer.finish()
    return offers, overrides


def _lay_endpoints(entry: Entry, offers: dict[str, Offer], names: Mapping[str, str]) -> None:
    """`endpoints: {seedream-4-5: ep-…}`: what stands behind an endpoint only its owner knows (KB)."""
    for model, tree in entry.entries():
        dated_id = names.get(normal_name(model))
        if dated_id not in offers:
            raise CatalogueFault(f"no model of this provider is called `{model}`", position=tree.position)
        try:
            offers[dated_id] = offers[dated_id].at_endpoint(entry.text(model))
        except ValueError as error:
            raise entry.fault(str(error), model) from error


def _bases(entry: Entry) -> tuple[str, ...]:
    bases = tuple(base.rstrip("/") for base in entry.texts("bases"))
    if not bases or not all(base.startswith(("https://", "http://")) for base in bases):
        raise entry.fault("`bases` has to be a list of addresses like `https://api.example.com/v1`", "bases")
    return bases


def _hosts(entry: Entry, bases: tuple[str, ...]) -> tuple[str, ...]:
    """The hosts of the bases, and whatever else the provider calls its own."""
    own = map(host_of, bases)
    return tuple(dict.fromkeys([*own, *(host.lower() for host in entry.texts_if_any("hosts"))]))


def _discount(entry: Entry) -> Discount:
    found = Discount(percent=entry.integer("percent"), by=entry.text("by"))
    entry.finish()
    if not 0 < found.percent < 100:
        raise entry.fault("`percent` is from 1 to 99", "percent")
    return found


def _key_variables(entry: Entry, name: str) -> tuple[str, ...]:
    """Where its key is looked for; of a provider that doesn't say, in the variable that bears its name."""
    if entry.has("key_variables"):
        return entry.texts("key_variables")
    return (f"{re.sub('[^A-Za-z0-9]', '_', name).upper()}_API_KEY",)


def _statuses(errors: Entry) -> frozenset[int]:
    texts = errors.texts("blocked_statuses")
    if not all(text.isascii() and text.isdigit() and 400 <= int(text) <= 499 for text in texts):
        raise errors.fault("`blocked_statuses` has to be a list of HTTP statuses from 400 to 499", "blocked_statuses")
    return frozenset(int(text) for text in texts)


def _offer(model: str, entry: Entry) -> Offer:
    return Offer(
        model=model,
        wire=entry.text("wire"),
        also=entry.texts_if_any("also"),
        price=_price(entry.entry("price")) if entry.has("price") else None,
    )


def _price(entry: Entry) -> Price:
    above = entry.entry("above") if entry.has("above") else None
    price = Price(
        image=entry.money("image"),
        date=entry.made("date", _date, "a date like `2026-01-28`"),
        source=entry.text("source"),
        above_pixels=None if above is None else above.integer("pixels"),
        image_above=None if above is None else above.money("image"),
        further_input=entry.money("further_input") if entry.has("further_input") else None,
        layer=entry.money("layer") if entry.has("layer") else None,
        layer_above=entry.money("layer_above") if entry.has("layer_above") else None,
        estimate=entry.money("estimate") if entry.has("estimate") else None,
    )
    if above is not None:
        above.finish()
    entry.finish()
    parts = (price.image_above, price.further_input, price.layer, price.layer_above)
    if any(part is not None and part.currency != price.currency for part in parts):
        raise entry.fault("all parts of a price have to be in one currency; only `estimate` may differ", "image")
    return price
