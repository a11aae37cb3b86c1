"""A layer: what the service says of one picture of a decomposition. It has no other home, so it is kept with the take."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

_Side = TypeVar("_Side", int, float)
Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """`z_index` counts from the ground, 0, up. `box` is where it lies, in pixels of the whole; the ground has none.

    `normalized` is the service's own box in whatever unit it has (thousandths in all that was seen).
    """

    z_index: int
    name: str = ""
    description: str = ""
    box: Box | None = None
    normalized: tuple[float, float, float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = {"z_index": self.z_index, "name": self.name, "description": self.description}
        if self.box is not None:
            values["box"] = list(self.box)
        if self.normalized is not None:
            values["normalized"] = list(self.normalized)
        return values

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raises `ValueError`, `KeyError` or `TypeError` for a garbled record."""
        z_index, name, description = data["z_index"], data["name"], data["description"]
        if not isinstance(z_index, int) or not isinstance(name, str) or not isinstance(description, str):
            raise TypeError("a layer has a number, a name and a description")
        box, normalized = data.get("box"), data.get("normalized")
        return cls(
            z_index=z_index,
            name=name,
            description=description,
            box=None if box is None else _four([int(side) for side in box]),
            normalized=None if normalized is None else _four([float(side) for side in normalized]),
        )


def _four(sides: list[_Side]) -> tuple[_Side, _Side, _Side, _Side]:
    left, top, right, bottom = sides
    return left, top, right, bottom
