"""Where smaller things stand on a picture."""

from seedpipe.manifest.steps import OverlayPlace


def share(anchor: str) -> tuple[int, int]:
    """An anchor as halves of the free space left of and above the thing: `top` is (1, 0), `bottom-right` (2, 2)."""
    across = 0 if "left" in anchor else 2 if "right" in anchor else 1
    down = 0 if "top" in anchor else 2 if "bottom" in anchor else 1
    return across, down


def corner(place: OverlayPlace, picture: tuple[int, int], thing: tuple[int, int]) -> tuple[int, int]:
    """The top left corner in pixels; the margin counts from the sides that the anchor names."""
    margin = place.margin.of(min(picture))
    across, down = share(place.anchor)
    return (_along(across, picture[0], thing[0], margin), _along(down, picture[1], thing[1], margin))


def _along(halves: int, side: int, length: int, margin: int) -> int:
    match halves:
        case 0:
            return margin
        case 1:
            return (side - length) // 2
        case _:
            return side - length - margin
