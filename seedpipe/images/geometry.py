"""What steps do to a picture's width and height. Integers only, so that every machine agrees."""

from seedpipe import limits
from seedpipe.errors import SeedpipeError
from seedpipe.images.place import share
from seedpipe.manifest.steps import Crop, Resize, Step

Size = tuple[int, int]


class StepError(SeedpipeError):
    """A step can't be carried out on this picture."""


def size_after(size: Size, step: Step) -> Size:
    """Width and height in pixels that `step` makes of a picture of `size`. Raises `StepError` if it can't."""
    match step:
        case Crop():
            left, top, right, bottom = crop_box(size, step)
            return (right - left, bottom - top)
        case Resize():
            return resized(size, step)
        case _:
            return size


def crop_box(size: Size, step: Crop) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what `step` keeps. Raises `StepError`."""
    width, height = size
    if step.pixels:
        if step.width > width or step.height > height:
            raise StepError(
                f"`crop: {step.width}x{step.height}` needs a larger picture: it has {width}x{height} pixels",
                hint=f"crop by aspect (`{step.width}:{step.height}`) and `resize` after it",
            )
        part = (step.width, step.height)
    else:
        part = _largest(size, step.width, step.height)
    across, down = share(step.anchor)
    left, top = (width - part[0]) * across // 2, (height - part[1]) * down // 2
    return (left, top, left + part[0], top + part[1])


def _largest(size: Size, aspect_width: int, aspect_height: int) -> Size:
    """The largest size of an aspect within `size`; the dependent side is rounded half up."""
    width, height = size
    if width * aspect_height > height * aspect_width:
        return (min(width, max(1, divide(height * aspect_width, aspect_height))), height)
    return (width, min(height, max(1, divide(width * aspect_height, aspect_width))))


def divide(numerator: int, denominator: int) -> int:
    """Rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def resized(size: Size, step: Resize) -> Size:
    """Raises `StepError` for more pixels than a picture may have."""
    width, height = size
    match (step.width, step.height):
        case (None, None):
            return size
        case (int() as wanted, None):
            result = (wanted, max(1, divide(wanted * height, width)))
        case (None, int() as wanted):
            result = (max(1, divide(wanted * width, height)), wanted)
        case (int() as across, int() as down):
            result = _largest((across, down), width, height) if step.mode == "fit" else (across, down)
        case _:  # nothing else can be
            raise AssertionError(step)
    if result[0] * result[1] > limits.MAX_PIXELS:
        raise StepError(
            f"`resize` would make {result[0]}x{result[1]} pixels; the limit is {limits.MAX_PIXELS / 1e6:g} million",
            hint="make it smaller",
        )
    return result
