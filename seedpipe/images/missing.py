"""Errors of lettering that are told before the typesetter is needed."""

from collections.abc import Iterable
from typing import Final

from seedpipe.errors import SeedpipeError

_SHOWN: Final = 8


class LetteringError(SeedpipeError):
    """A text step can't be carried out."""


class MissingGlyphsError(LetteringError):
    """The font has no picture of some characters; boxes are never drawn instead. `own`: it is a font of the project."""

    def __init__(self, font: str, characters: tuple[str, ...], *, own: bool) -> None:
        shown = ", ".join(f"`{char}` (U+{ord(char):04X})" for char in characters[:_SHOWN])
        more = f" and {len(characters) - _SHOWN} more" if len(characters) > _SHOWN else ""
        message = f"the font `{font}` has no {shown}{more}"
        hint = "set `font:` to a font file of the project that has these characters"
        if own and all("\ufb50" <= char <= "\ufeff" for char in characters):
            message = f"the font `{font}` lacks the joined forms of Arabic letters: {shown}{more}"
            hint = "use a font with Arabic Presentation Forms, like DejaVu Sans or Noto Naskh Arabic"
        super().__init__(message, hint=hint)
        self.font, self.characters, self.own = font, characters, own

    def together_with(self, others: Iterable["MissingGlyphsError"]) -> "MissingGlyphsError":
        """One error for the characters of all."""
        every = dict.fromkeys(char for error in (self, *others) for char in error.characters)
        return MissingGlyphsError(self.font, tuple(every), own=self.own)
