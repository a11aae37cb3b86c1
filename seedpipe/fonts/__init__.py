"""The fonts that seedpipe ships, each with its licence beside it.

DejaVu Sans 2.37 (Latin, Greek, Cyrillic, Hebrew, Arabic) is for text steps and proofs; a part of WenQuanYi Micro Hei
(Chinese, Japanese, Korean) for the captions of proofs alone: for lettering that is delivered, people bring a font.
"""

from importlib.resources import files
from pathlib import Path


def shipped_font(*, bold: bool = False) -> Path:
    """The font file that a text step uses when it names none."""
    return _font("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


def caption_font() -> Path:
    """The font file for Chinese, Japanese and Korean prompts on proofs."""
    return _font("WenQuanYiMicroHei-captions.ttf")


def _font(name: str) -> Path:
    return Path(str(files(__name__))) / name
