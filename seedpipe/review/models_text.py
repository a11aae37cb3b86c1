"""The catalogue for people: models of a provider side by side, one model whole, one model at every provider. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from seedpipe.catalogue.compare import Compared, cheapest, sizes_of, terms
from seedpipe.catalogue.model import Mode
from seedpipe.catalogue.provider import Provider
from seedpipe.display import PLAIN, Style, display_width, fit, shown, wrap
from seedpipe.review.table import Column, fitting, table

MIN_WIDTH: Final = 48
_LABEL: Final = 14
_UNKNOWN: Final = "?"


def models_text(provider: Provider, rows: Sequence[Compared], *, width: int = 80, style: Style = PLAIN) -> str:
    """All models of one provider: what each can do and costs, and the cheapest for what not every one can."""
    width = max(width, MIN_WIDTH)
    lines = [
        style.bold(provider.title) + fit(f" · {provider.id} · {provider.base_url}", width - len(provider.title)),
        "",
    ]
    lines += table(fitting(_columns(rows), width), style)
    lines += ["", *_cheapest(rows, width), *_about_prices(provider, rows, width)]
    lines += [line for note in provider.notes for line in _indented(shown(note), width)]
    return "\n".join(lines)


def _columns(rows: Sequence[Compared]) -> Sequence[Column]:
    """The most telling first; a narrow terminal does without the last."""
    models = [row.model for row in rows]
    currency = next((row.offer.price.currency for row in rows if row.offer.price is not None), "price")
    estimates = [row.offer.price.estimate if row.offer.price is not None else None for row in rows]
    columns = [
        Column("model", [row.name for row in rows]),
        Column(currency, [_UNKNOWN if row.offer.price is None else row.offer.price.amounts for row in rows]),
        Column("tiers", [" ".join(model.tiers) or "pixels" for model in models]),
        Column("formats", [" ".join(model.output_formats) for model in models]),
        Column("refs", [str(model.references.max or "–") for model in models], right=True),
        Column("batch", [str(row.most_frames or "–") for row in rows], right=True),
        Column("status", [str(model.status) for model in models]),
        Column("megapixels", [_megapixels(model.pixels.min, model.pixels.max) for model in models]),
        Column("s", [f"{model.seconds_per_image:g}" for model in models], right=True),
        Column("released", [model.released for model in models]),
        Column("also", [", ".join(row.extras) for row in rows]),
    ]
    if any(estimates):
        told = ["" if estimate is None else f"≈ {estimate}" for estimate in estimates]
        columns.insert(7, Column("estimate", told))
    return columns


def _megapixels(least: int, most: int) -> str:
    return f"{least / 1e6:.1f}–{most / 1e6:.1f}"


def _cheapest(rows: Sequence[Compared], width: int) -> list[str]:
    """A line for each model that is the cheapest for something that not every one can."""
    by_model: dict[str, list[str]] = {}
    for ability, row in cheapest(rows).items():
        by_model.setdefault(row.name, []).append(ability)
    if len(rows) < 2 or not by_model:
        return []
    wide = max(map(len, by_model)) + 2
    lines = ["  the cheapest for"]
    for name, abilities in by_model.items():
        told = wrap(", ".join(abilities), width - wide - 4)
        lines += [f"    {('' if at else name).ljust(wide)}{line}" for at, line in enumerate(told)]
    return [*lines, ""]


def _about_prices(provider: Provider, rows: Sequence[Compared], width: int) -> list[str]:
    prices = [row.offer.price for row in rows if row.offer.price is not None]
    if not prices:
        return _indented("no price is known: write it in a catalogue file of your own", width)
    dates, sources = sorted({price.date for price in prices}), dict.fromkeys(price.source for price in prices)
    said = f"{prices[0].currency} is the list price of a picture ({', '.join(sources)}; read {' … '.join(dates)})"
    lines = _indented(said, width)
    extra = terms(provider)
    lines += _indented("shown and never counted: " + "; ".join(extra), width) if extra else []
    missing = [row.name for row in rows if row.offer.price is None]
    if missing:
        lines += _indented(f"{_UNKNOWN}: what no price is known of can't be bought until your own file has one", width)
    return lines


def _indented(text: str, width: int) -> list[str]:
    return ["  " + line for line in wrap(text, width - 2)]


def model_text(
    row: Compared,
    provider: Provider,
    elsewhere: Sequence[tuple[Provider, Compared]],
    *,
    width: int = 80,
    style: Style = PLAIN,
) -> str:
    """One model whole; `elsewhere` are all providers that have it."""
    width = max(width, MIN_WIDTH)
    model = row.model
    rest = fit(f"  {model.title} · {model.id} at {provider.id}", width - display_width(row.name))
    lines = [style.bold(row.name) + rest]
    for label, text in _facts(row, provider).items():
        told = wrap(shown(text), width - _LABEL - 2)
        lines += [f"  {style.dim(('' if at else label).ljust(_LABEL))}{line}" for at, line in enumerate(told)]
    lines.append("")
    for tier, sizes in sizes_of(model).items():
        cells = _side_by_side(sizes, width - _LABEL - 2)
        lines += [f"  {style.dim(('' if at else tier).ljust(_LABEL))}{line}" for at, line in enumerate(cells)]
    if len(elsewhere) > 1:
        lines += ["", *table(fitting(_offer_columns(elsewhere), width), style)]
    return "\n".join(lines)


def _facts(row: Compared, provider: Provider) -> Mapping[str, str]:
    model, limits = row.model, row.model.references
    modes = ", ".join(mode for mode in Mode if mode in model.modes)
    references = (
        f"{limits.max} at most, {limits.total} together with the pictures asked for; {' '.join(limits.formats)}"
    )
    references += f"; {limits.max_bytes / 1e6:g} MB each"
    facts = {
        "status": f"{model.status}, released {model.released}",
        "price": _price(row, provider),
        "sent as": row.offer.wire if row.offer.wire != model.id else "",
        "also called": ", ".join(alias for alias in model.aliases if alias != row.name),
        "modes": modes,
        "references": references if limits.max else "none",
        "pixels": f"{model.pixels.min:,} to {model.pixels.max:,}, aspects {model.aspect}; {model.default_size} if nothing is said",
        "formats": ", ".join(model.output_formats),
        "prompts": f"{', '.join(model.optimize_modes)}; {model.prompt.words} words at most are advised"
        f" ({model.prompt.characters} Chinese characters)",
        "can also": ", ".join(row.extras),
        "pace": f"{model.seconds_per_image:g} s a picture, {model.images_per_minute} pictures a minute",
        "notes": "; ".join(model.notes),
    }
    return {label: text for label, text in facts.items() if text}


def _price(row: Compared, provider: Provider) -> str:
    price = row.offer.price
    if price is None:
        return "not known: it can't be bought until your own catalogue file has one"
    said = f"{price.summary()} a picture"
    if price.image_above is not None and price.above_pixels is not None:
        said = f"{price.image} a picture, {price.image_above.amount} above {price.above_pixels / 1e6:.2f} megapixels"
        said += f", {price.further_input.amount} for each reference after the first" if price.further_input else ""
    if price.layer is not None:
        said += f"; layers {price.layer.amount}{f'–{price.layer_above.amount}' if price.layer_above else ''} each"
    said += f" ({price.source}, read {price.date})"
    beside = [f"≈ {price.estimate}" if price.estimate is not None else ""]
    if provider.discount is not None:
        lowest = provider.discount.lowest(price.image)
        beside.append(f"{lowest} with all of {provider.discount.by} ({provider.discount.percent} %)")
    told = [one for one in beside if one]
    return said + (f"; shown and never counted: {', '.join(told)}" if told else "")


def _side_by_side(sizes: Mapping[str, str], width: int) -> list[str]:
    """`16:9 2848x1600` and so on, as many beside each other as fit."""
    cells = [f"{aspect:>4} {size}" for aspect, size in sizes.items()]
    wide = max(map(len, cells), default=0) + 2
    many = max(width // wide, 1)
    return ["".join(cell.ljust(wide) for cell in cells[at : at + many]).rstrip() for at in range(0, len(cells), many)]


def offers_text(found: Sequence[tuple[Provider, Compared]], *, width: int = 80, style: Style = PLAIN) -> str:
    """Every model at every provider that has it."""
    width = max(width, MIN_WIDTH)
    names = [row.name for _, row in found]
    first = [name if number == 0 or names[number - 1] != name else "" for number, name in enumerate(names)]
    return "\n".join(table(fitting([Column("model", first), *_offer_columns(found)], width), style))


def _offer_columns(found: Sequence[tuple[Provider, Compared]]) -> Sequence[Column]:
    prices = [
        "?" if row.offer.price is None else f"{row.offer.price.amounts} {row.offer.price.currency}" for _, row in found
    ]
    return [
        Column("provider", [provider.id for provider, _ in found]),
        Column("price", prices),
        Column("tiers", [" ".join(row.model.tiers) or "pixels" for _, row in found]),
        Column("refs", [str(row.model.references.max or "–") for _, row in found], right=True),
        Column("sent as", [row.offer.wire for _, row in found]),
        Column("beside", ["; ".join(terms(provider)) for provider, _ in found]),
    ]
