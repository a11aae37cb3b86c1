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


def cover(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """An `RGB` or `RGBA` picture scaled until it covers `size`; what stands over is cut evenly on both sides."""
    scale = min(image.width / size[0], image.height / size[1])
    cut_x, cut_y = (image.width - size[0] * scale) / 2, (image.height - size[1] * scale) / 2
    if cut_x < 1e-6 and cut_y < 1e-6:
        return resample(image, size)
    return resample(image, size, (cut_x, cut_y, image.width - cut_x, image.height - cut_y))
