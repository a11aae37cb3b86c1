"""`Model`: what one model can do at one provider, and the sentences for what it can't.

A sentence names what was asked, what the model takes, and which models of the same provider can do it.
Nothing here knows a model by name: all of it is read from `models/*.yaml` and the provider's overrides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final

from seedpipe.catalogue.sizes import AspectRange, PixelRange, near_size, parse_ratio, ratio_text, size_text
from seedpipe.errors import Severity, UsageError

Sentences = tuple[str, ...]
AUTO: Final = "auto"  # the size of layers that keep the size of the picture
EXACT: Final = "exact"  # the column of recommended sizes of a model without tiers


class ModelStatus(StrEnum):
    RECOMMENDED = "recommended"
    AVAILABLE = "available"
    MAINTAINED = "maintained"  # still callable, no longer advertised
    RETIRING = "retiring"
    SHUTDOWN = "shutdown"


class Mode(StrEnum):
    TEXT_TO_IMAGE = "text-to-image"
    EDIT = "edit"  # one reference
    FUSION = "fusion"  # several references
    SEQUENCE = "sequence"
    STREAM = "stream"


class Feature(StrEnum):
    SEED = "seed"
    GUIDANCE_SCALE = "guidance_scale"
    WEB_SEARCH = "web_search"
    BACKGROUND = "background"
    LAYERS = "layers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about one field of a node. An error the service would refuse, a warning it would ignore."""

    field: str
    message: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceLimits:
    """What a reference image has to be. Bytes are of the file as sent, before base64."""

    max: int
    total: int  # references + pictures asked for
    formats: tuple[str, ...]  # lower case, the likeliest first
    max_bytes: int
    pixels: PixelRange
    min_side: int
    aspect: AspectRange

    def faults(self, *, format: str, size_bytes: int, width: int, height: int) -> Sentences:  # noqa: A002
        """What the service would say about this file; an image library can mend all of it but the aspect."""
        found = []
        if format.lower() not in self.formats:
            found.append(f"the format is `{format}`, the service takes {', '.join(self.formats) or 'none'}")
        if size_bytes > self.max_bytes:
            found.append(f"it has {size_bytes:,} bytes, the service takes {self.max_bytes:,} at most")
        if width * height not in self.pixels:
            found.append(f"it has {width * height:,} pixels, the service takes {self.pixels.max:,} at most")
        if min(width, height) < self.min_side:
            found.append(f"its shorter side has {min(width, height)} pixels, at least {self.min_side} are needed")
        if width and height and Fraction(width, height) not in self.aspect:
            found.append(f"its aspect {width}:{height} is outside {self.aspect}")
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptAdvice:
    """Longer prompts are not refused, but details get lost."""

    characters: int  # of Chinese, Japanese and Korean
    words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model as one provider serves it.

    For sentences it knows the provider's models (`peers`), and those of the other providers by their names.
    """

    id: str  # provider-neutral, dated: what keys hold
    title: str
    status: ModelStatus
    released: str  # ISO date
    aliases: tuple[str, ...]
    modes: frozenset[Mode]
    tiers: tuple[str, ...]  # upper case, smallest first
    sizes: Mapping[str, Mapping[str, tuple[int, int]]]  # tier → aspect → (width, height)
    default_size: str  # `WxH`, or `adaptive`
    pixels: PixelRange
    aspect: AspectRange
    output_formats: tuple[str, ...]  # the first is what comes when nothing is asked
    sends_output_format: bool  # False: the field is never sent
    optimize_modes: tuple[str, ...]
    features: frozenset[Feature]
    references: ReferenceLimits
    prompt: PromptAdvice
    seconds_per_image: float  # typical
    images_per_minute: int  # per account and model
    notes: tuple[str, ...]
    peers: tuple["Model", ...] = field(default=(), compare=False, repr=False)
    elsewhere: tuple[tuple[str, tuple["Model", ...]], ...] = field(default=(), compare=False, repr=False)

    @property
    def is_usable(self) -> bool:
        return self.status is not ModelStatus.SHUTDOWN

    def has(self, feature: Feature) -> bool:
        return feature in self.features

    @property
    def default_tier(self) -> str | None:
        """The tier whose square is the default size; None for a model without tiers."""
        return next((tier for tier in self.tiers if size_text(self.size_for(tier)) == self.default_size), None)

    def aspects(self, tier: str) -> tuple[str, ...]:
        return tuple(self.sizes.get(tier, ()))

    def who_can(self, can: Callable[["Model"], bool]) -> str:
        """The end of a sentence: which models of the provider can do it, or of another one."""
        names = [f"`{peer.id}`" for peer in self.peers if peer.is_usable and peer.id != self.id and can(peer)]
        if names:
            return f"{', '.join(names)} can"
        for provider, models in self.elsewhere:
            others = [f"`{model.id}`" for model in models if model.is_usable and can(model)]
            if others:
                return f"no model of this provider can, at `{provider}` {', '.join(others)} can"
        return "no model can"

    # Sizes

    def tier_faults(self, tier: str) -> Sentences:
        """Nothing if the service takes `tier` from this model."""
        asked = tier.upper()
        if asked in self.tiers or self._is_exact(tier):
            return ()
        if tier == AUTO:
            tiers = f"a tier ({', '.join(self.tiers)}), or " if self.tiers else ""
            return (f"`{AUTO}` is the size of layers; say {tiers}pixels",)
        others = self.who_can(lambda peer: asked in peer.tiers)
        if not self.tiers:
            exact = self.sizes.get(EXACT, {})
            sizes = ", ".join(size_text(size) for size in exact.values()) or self.default_size
            return (f"`{self.id}` has no tiers like `{tier}`: it takes exact sizes ({sizes}); {others}",)
        return (f"`{self.id}` has no tier `{tier}`, only {', '.join(self.tiers)}; {others}",)

    def size_faults(self, width: int, height: int) -> Sentences:
        """Nothing if the service takes exactly `width` × `height` pixels from this model."""
        size, pixels = size_text((width, height)), width * height
        if width < 1 or height < 1:
            return (f"`{size}` has no pixels",)
        found = []
        aspect = Fraction(width, height)
        others = self.who_can(lambda peer: pixels in peer.pixels and aspect in peer.aspect)
        if pixels < self.pixels.min:
            found.append(
                f"`{size}` has {pixels:,} pixels, `{self.id}` needs {self.pixels.min:,} at least"
                f"{self._nearby(aspect, self.pixels.min)}; {others}"
            )
        if pixels > self.pixels.max:
            found.append(
                f"`{size}` has {pixels:,} pixels, `{self.id}` makes {self.pixels.max:,} at most"
                f"{self._nearby(aspect, self.pixels.max)}; {others}"
            )
        if aspect not in self.aspect:
            found.append(f"`{size}` has the aspect {ratio_text(aspect)}, `{self.id}` takes {self.aspect}")
        return tuple(found)

    def _nearby(self, aspect: Fraction, pixels: int) -> str:
        if aspect not in self.aspect:
            return ""
        listed = [size for column in self.sizes.values() for size in column.values() if Fraction(*size) == aspect]
        legal = [size for size in listed if size[0] * size[1] in self.pixels]
        near = min(legal, key=lambda size: abs(size[0] * size[1] - pixels), default=None)
        return f" (for example {size_text(near or near_size(pixels, aspect, self.pixels))})"

    def aspect_faults(self, tier: str, aspect: str) -> Sentences:
        """Nothing if the table has exact pixels for `aspect` (`16:9`) in `tier`."""
        if not self._is_exact(tier) and self.tier_faults(tier):
            return self.tier_faults(tier)
        if self._listed(tier, aspect) is not None:
            return ()
        column = self._column(tier)
        try:
            ratio = parse_ratio(aspect)
        except ValueError as error:
            return (str(error),)
        if ratio not in self.aspect:
            return (f"the aspect `{aspect}` is outside what `{self.id}` takes, {self.aspect}",)
        square = max(width * height for width, height in column.values())
        size = size_text(near_size(square, ratio, self.pixels))
        return (
            f"`{aspect}` is not among the recommended aspects {', '.join(column)};"
            f" write the size in pixels, like `{size}`",
        )

    def _is_exact(self, tier: str) -> bool:
        """Whether the one column of a model without tiers is meant."""
        return tier == EXACT and not self.tiers and bool(self.sizes.get(EXACT))

    def _column(self, tier: str) -> Mapping[str, tuple[int, int]]:
        return self.sizes.get(EXACT if self._is_exact(tier) else tier.upper(), {})

    def _listed(self, tier: str, aspect: str) -> tuple[int, int] | None:
        column = self._column(tier)
        if aspect in column:
            return column[aspect]
        try:
            ratio = parse_ratio(aspect)
        except ValueError:
            return None
        return next((size for name, size in column.items() if parse_ratio(name) == ratio), None)

    def size_for(self, tier: str, aspect: str | None = None) -> tuple[int, int]:
        """Exact pixels of `tier` × `aspect`, square without one. Raises `UsageError` with the sentence."""
        asked = aspect or "1:1"
        faults = self.aspect_faults(tier, asked)
        size = self._listed(tier, asked)
        if faults or size is None:
            raise UsageError("; ".join(faults), hint=f"`seedpipe models {self.id}` lists its sizes")
        return size

    def layers_faults(self, size: str) -> Sentences:
        """Nothing if the model takes pictures apart, to a tier or to the picture's own size (`auto`)."""
        found = self.feature_faults(Feature.LAYERS)
        if not found and size != AUTO and size.upper() not in self.tiers:
            tiers = ", ".join(self.tiers)
            found = (f"`{size}`: layers have one of the tiers {tiers}, or `{AUTO}`, the size of the picture itself",)
        return found

    def size_of_layers(self, size: str, width: int, height: int) -> tuple[int, int]:
        """The pixels for which layers are priced: of a tier its square, of `auto` those of the picture, in range (BP265)."""
        if size != AUTO:
            return self.size_for(size)
        pixels = width * height
        if pixels in self.pixels:
            return width, height
        return self.size_for(self.tiers[0 if pixels < self.pixels.min else -1])

    # Everything else of a request

    def reference_faults(self, count: int, outputs: int = 1) -> Sentences:
        """`outputs`: pictures asked for in the same request (a sequence's `max_images`)."""
        if count and Mode.EDIT not in self.modes:
            others = self.who_can(lambda peer: Mode.EDIT in peer.modes)
            return (f"`{self.id}` takes no reference images; {others}",)
        if not count and Mode.TEXT_TO_IMAGE not in self.modes:
            return (f"`{self.id}` only edits: it needs a reference image",)
        if count > self.references.max:
            others = self.who_can(lambda peer: count <= peer.references.max)
            return (f"{count} references, `{self.id}` takes {self.references.max} at most here; {others}",)
        if count + outputs > self.references.total:
            left = self.references.total - count
            return (
                f"{count} {'reference' if count == 1 else 'references'} and {outputs} pictures are {count + outputs}, the service allows"
                f" {self.references.total} together: ask for {left} pictures at most",
            )
        return ()

    def mode_faults(self, mode: Mode) -> Sentences:
        if mode in self.modes:
            return ()
        return (f"`{self.id}` can't do {mode}; {self.who_can(lambda peer: mode in peer.modes)}",)

    def output_format_faults(self, name: str) -> Sentences:
        if name in self.output_formats:
            return ()
        others = self.who_can(lambda peer: name in peer.output_formats)
        return (
            f"`{self.id}` makes {' or '.join(self.output_formats)}, not `{name}`; {others},"
            f" and a free `convert` step makes it from any",
        )

    def optimize_faults(self, mode: str) -> Sentences:
        if mode in self.optimize_modes:
            return ()
        others = self.who_can(lambda peer: mode in peer.optimize_modes)
        return (f"`{self.id}` has the prompt optimisation {', '.join(self.optimize_modes)}, not `{mode}`; {others}",)

    def feature_faults(self, feature: Feature) -> Sentences:
        if feature in self.features:
            return ()
        return (f"`{self.id}` has no `{feature}` here; {self.who_can(lambda peer: feature in peer.features)}",)

    def status_faults(self) -> Sentences:
        if self.is_usable:
            return ()
        names = ", ".join(f"`{peer.id}`" for peer in self.peers if peer.status is ModelStatus.RECOMMENDED)
        return (f"`{self.id}` was shut down; recommended now: {names or 'see `seedpipe models`'}",)
