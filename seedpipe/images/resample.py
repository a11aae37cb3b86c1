"""Scaling: Lanczos, with colours weighted by their opacity so that no dark fringe grows around a cut-out."""

from PIL import Image


def resample(
    image: Image.Image, size: tuple[int, int], part: tuple[float, float, float, float] | None = None
) -> Image.Image:
    """`part` (left, top, right, bottom; default all) of an `RGB` or `RGBA` picture, scaled to exactly `size`."""
    if image.size == size and part is None:
        return image
    if image.mode == "RGB":
        return image.resize(size, Image.Resampling.LANCZOS, box=part)
    return image.convert("RGBa").resize(size, Image.Resampling.LANCZOS, box=part).convert("RGBA")
