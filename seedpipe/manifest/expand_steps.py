"""`steps` as written → the records of `steps.py`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel

from seedpipe.manifest import model
from seedpipe.manifest.definition import Place
from seedpipe.manifest.fields import integer, to_flag
from seedpipe.manifest.findings import BadValueError
from seedpipe.manifest.normalise import normalise_text
from seedpipe.manifest.steps import ANCHORS, Convert, Crop, Length, Overlay, OverlayPlace, Resize, Step, Text
from seedpipe.manifest.values import is_template
from seedpipe.manifest.wording import did_you_mean

MAX_SIDE: Final = 20_000
VERBS: Final = tuple(model.Step.model_fields)
_LENGTH: Final = re.compile(r"(?P<number>[0-9]{1,5}(?:\.[0-9]+)?)\s*(?P<unit>%|px|)\Z")
_PAIR: Final = re.compile(r"(?P<width>[0-9]{0,5})\s*(?P<by>[xX×:])\s*(?P<height>[0-9]{0,5})\Z")
_HEX: Final = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\Z")
_NAMED: Final[Mapping[str, str]] = {
    "aqua": "#00ffff", "black": "#000000", "blue": "#0000ff", "fuchsia": "#ff00ff", "gray": "#808080",
    "green": "#008000", "grey": "#808080", "lime": "#00ff00", "maroon": "#800000", "navy": "#000080",
    "olive": "#808000", "purple": "#800080", "red": "#ff0000", "silver": "#c0c0c0", "teal": "#008080",
    "transparent": "#00000000", "white": "#ffffff", "yellow": "#ffff00",
}  # fmt: skip

Render = Callable[[str, Place], str]


class StepError(Exception):
    """A step that cannot be used, and where it says so."""

    def __init__(self, place: Place, error: BadValueError) -> None:
        super().__init__(error.message)
        self.place = place
        self.error = error


class StepReader:
    """Reads the steps of one item. `render` gives a text its values, `resolve` an address, `font` a project path.

    Its functions may raise `BadValueError`; the reader raises `StepError`. What `render` raises goes through.
    """

    def __init__(self, render: Render, resolve: Callable[[str], str], font: Callable[[str, Place], str]) -> None:
        self.render = render
        self.resolve = resolve
        self.font = font

    def read(self, written: model.Step, place: Place) -> Step:
        verbs = sorted(written.model_fields_set)
        if len(verbs) != 1:
            found = "none" if not verbs else ", ".join(f"`{verb}`" for verb in verbs)
            hint = "each step is an item of the list" if verbs else f"one of {', '.join(VERBS)}"
            raise StepError(place, BadValueError(f"a step has one verb, found {found}", hint))
        verb = verbs[0]
        value = getattr(written, verb)
        read: Callable[[Any, Place], Step] = getattr(self, f"_{verb}")
        return read(value, place.below(verb))

    def _value(self, written: Any, place: Place, convert: Callable[[Any], Any]) -> Any:
        if isinstance(written, str):
            written = self.render(written, place)
        try:
            return convert(written)
        except BadValueError as error:
            raise StepError(place, error) from error

    def _fields(self, form: BaseModel, place: Place, converters: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
        """The fields that were written, converted; those left out keep the record's own default."""
        return {
            name: self._value(getattr(form, name), place.below(name), converters[name])
            for name in converters
            if name in form.model_fields_set
        }

    def _crop(self, written: str | model.Crop, place: Place) -> Crop:
        if isinstance(written, str):
            width, height, pixels = self._value(written, place, _crop_pair)
            return Crop(width=width, height=height, pixels=pixels)
        return Crop(
            **self._fields(written, place, {"width": _side, "height": _side, "pixels": to_flag, "anchor": _anchor})
        )

    def _resize(self, written: str | model.Resize, place: Place) -> Resize:
        if isinstance(written, str):
            width, height = self._value(written, place, _resize_pair)
            return Resize(width=width, height=height)
        fields = self._fields(written, place, {"width": _side, "height": _side, "mode": _one_of(MODES)})
        if "width" not in fields and "height" not in fields:
            raise StepError(place, BadValueError("`resize` needs a width, a height or both"))
        return Resize(**{"width": None, "height": None} | fields)

    def _overlay(self, written: str | model.Overlay, place: Place) -> Overlay:
        if isinstance(written, str):
            return Overlay(image=self._value(written, place, self._address))
        image = self._value(written.image, place.below("image"), self._address)
        fields = self._fields(written, place, {"width": _positive, "opacity": integer(1, 100)})
        return Overlay(image=image, place=self._place(written, place, OverlayPlace()), **fields)

    def _address(self, text: str) -> str:
        return self.resolve(text.strip())

    def _place(self, form: BaseModel, place: Place, default: OverlayPlace) -> OverlayPlace:
        fields = self._fields(form, place, {"anchor": _anchor, "margin": to_length})
        return replace(default, **fields)

    def _text(self, written: str | model.Lettering, place: Place) -> Text:
        if isinstance(written, str):
            return Text(text=self._value(written, place, _words))
        fields = self._fields(written, place, _LETTERING)
        if "font" in written.model_fields_set:
            where = place.below("font")
            fields["font"] = self._value(written.font, where, lambda text: self.font(text, where))
        words = self._value(written.text, place.below("text"), _words)
        return Text(text=words, place=self._place(written, place, Text(text="").place), **fields)

    def _convert(self, written: str | model.Convert, place: Place) -> Convert:
        if isinstance(written, str):
            return Convert(format=self._value(written, place, _format))
        converters = {"format": _format, "quality": integer(1, 100), "background": to_colour}
        return Convert(**self._fields(written, place, converters))


def step_has_template(step: model.Step) -> bool:
    return any(_has_template(getattr(step, verb)) for verb in step.model_fields_set)


def _has_template(value: Any) -> bool:
    if isinstance(value, BaseModel):
        return any(_has_template(getattr(value, name)) for name in value.model_fields_set)
    return isinstance(value, str) and is_template(value)


MODES: Final = ("fill", "fit", "stretch")
FORMATS: Final = ("jpeg", "png", "webp")


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        text = str(value).strip().lower()
        if text not in choices:
            raise BadValueError(f"`{text}` is none of {', '.join(choices)}", did_you_mean(text, choices, otherwise=""))
        return text

    return convert


_anchor: Final = _one_of(ANCHORS)
_side: Final = integer(1, MAX_SIDE)


def _format(value: Any) -> str:
    text = str(value).strip().lower()
    return _one_of(FORMATS)("jpeg" if text == "jpg" else text)


def _words(value: Any) -> str:
    text = normalise_text(str(value))
    if not text.strip():
        raise BadValueError("the lettering is empty", code="empty-text")
    return text


def _crop_pair(value: Any) -> tuple[int, int, bool]:
    match = _PAIR.match(str(value).strip())
    if match is None or not match["width"] or not match["height"]:
        raise BadValueError(f"`{value}` is no crop", "write an aspect like `1200:630`, or pixels like `1200x630`")
    return _side(match["width"]), _side(match["height"]), match["by"] != ":"


def _resize_pair(value: Any) -> tuple[int | None, int | None]:
    match = _PAIR.match(str(value).strip())
    if match is None or match["by"] == ":" or not (match["width"] or match["height"]):
        raise BadValueError(f"`{value}` is no size in pixels", "like `1200x630`, `1200x` or `x630`")
    return (
        _side(match["width"]) if match["width"] else None,
        _side(match["height"]) if match["height"] else None,
    )


def to_length(value: Any) -> Length:
    """`5%` or `3.2%` of a side, `48` or `48px` in pixels."""
    match = _LENGTH.match(str(value).strip())
    if match is None:
        raise BadValueError(f"`{value}` is no length", "like `5%`, or `48` in pixels")
    whole, _, fraction = match["number"].partition(".")
    if match["unit"] != "%":
        if fraction or int(whole) > MAX_SIDE:
            raise BadValueError(f"`{value}`: expected whole pixels up to {MAX_SIDE}")
        return Length(value=int(whole))
    if len(fraction.rstrip("0")) > 1:
        raise BadValueError(f"`{value}` is finer than a tenth of a percent", "round it, like `5.5%`")
    thousandths = int(whole) * 10 + int(fraction[:1] or 0)
    if thousandths > 1000:
        raise BadValueError(f"`{value}` is more than 100%", "it is a part of the picture's side")
    return Length(value=thousandths, relative=True)


def _positive(value: Any) -> Length:
    length = to_length(value)
    if not length.value:
        raise BadValueError(f"`{value}`: expected more than 0")
    return length


def to_colour(value: Any) -> str:
    """`#rrggbb` or `#rrggbbaa` in lower case."""
    text = str(value).strip().lower()
    if text in _NAMED:
        return _NAMED[text]
    if not _HEX.match(text):
        hint = f'write `"#{text}"`' if _HEX.match(f"#{text}") else did_you_mean(text, _NAMED, otherwise="")
        raise BadValueError(f"`{value}` is no colour", hint or 'like `"#0B1F3A"`, in quotes')
    return "#" + "".join(digit * 2 for digit in text[1:]) if len(text) == 4 else text


_LETTERING: Final[Mapping[str, Callable[[Any], Any]]] = {
    "size": _positive,
    "max_size": _positive,
    "min_size": _positive,
    "color": to_colour,
    "stroke": to_colour,
    "stroke_width": to_length,
    "background": to_colour,
    "box_width": _positive,
    "box_height": _positive,
    "align": _one_of(("left", "center", "right", "auto")),
    "line_height": integer(50, 500),
    "direction": _one_of(("ltr", "rtl", "auto")),
}
