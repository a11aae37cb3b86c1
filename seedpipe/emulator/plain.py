"""Plain proofs, for tests that count pictures and don't look at them: two flat colours and a bar code of the request.

Drawn in a tenth of the time. As with scenes, the same `Sketch` gives the same bytes and each call another picture.
"""

import hashlib
from typing import Final

from PIL import Image, ImageDraw

from seedpipe.emulator.draw import Sketch, encode, is_cut_out
from seedpipe.emulator.lettering import font
from seedpipe.emulator.palette import Colour, luminance

_DARK: Final[Colour] = (28, 30, 36)
_LIGHT: Final[Colour] = (250, 247, 240)


def render_plain(sketch: Sketch) -> bytes:
    """A JPEG or PNG of exactly `width` × `height` pixels; what is see-through in it is its lower half."""
    parts = [sketch.prompt, sketch.model, sketch.nonce, str(sketch.number), *sketch.reference_digests]
    code = hashlib.sha256("\0".join(parts).encode()).digest()
    ground: Colour = (code[0], code[1], code[2])
    image = Image.new("RGB", (sketch.width, sketch.height), ground)
    bars = Image.frombytes("L", (len(code), 1), code)
    middle, third = sketch.height // 2, max(1, sketch.height // 3)
    image.paste(bars.resize((sketch.width, third), Image.Resampling.NEAREST).convert("RGB"), (0, 0))
    size = min(sketch.width, sketch.height) // 12
    if size >= 6:
        ink = _LIGHT if luminance(ground) < 0.4 else _DARK
        draw = ImageDraw.Draw(image)
        draw.text((size, middle), "PROOF", ink, font(size, bold=True), anchor="lm")
        if sketch.watermark:
            draw.text((size, middle + size), "AI generated", ink, font(max(6, size // 2)), anchor="lm")
    alpha = None
    if is_cut_out(sketch):
        alpha = Image.new("L", image.size)
        alpha.paste(255, (0, 0, sketch.width, middle + size))
    return encode(image, sketch, alpha=alpha)
