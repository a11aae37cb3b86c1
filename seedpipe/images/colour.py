"""Colours as the manifest writes them."""

from PIL import ImageColor

from seedpipe.errors import SeedpipeError

Colour = tuple[int, int, int, int]


class ColourError(SeedpipeError):
    """A colour can't be understood."""


def colour(text: str) -> Colour:
    """Red, green, blue, opacity (0 to 255) of `#rgb`, `#rrggbb`, `#rrggbbaa` or a CSS name. Raises `ColourError`."""
    try:
        red, green, blue, *alpha = ImageColor.getrgb(text)
    except ValueError as error:
        raise ColourError(f"`{text}` is no colour", hint='write it like `"#0B1F3A"`, with quotes') from error
    return (red, green, blue, alpha[0] if alpha else 255)
