"""A take: one picture received, as both the index of takes and the journal know it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.state.layer import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One picture received. `digest` is of the bytes as received; takes are pooled by `want`.

    `want` is what it was bought for; of a plain image that is its `request_key` too.
    `ordinal` says which buying of this key it came from (from 1), `index` its place in that answer (from 0);
    `request_id` is the service's, `client_request_id` ours; `cost` is what was charged for it, if that is known;
    `received_at` is UTC in ISO 8601.
    """

    digest: Digest
    request_key: Digest
    want: Digest
    address: str
    format: str  # `jpeg` | `png` | …, as decoded
    width: int
    height: int
    bytes: int
    model: str
    provider: str
    request_id: str | None
    client_request_id: str
    cost: Money | None
    received_at: str
    ordinal: int
    index: int = 0
    layer: Layer | None = None  # of a picture that was taken apart

    def to_dict(self) -> dict[str, Any]:
        said = {} if self.layer is None else {"layer": self.layer.to_dict()}
        return said | {
            "digest": str(self.digest),
            "request_key": str(self.request_key),
            "want": str(self.want),
            "address": self.address,
            "format": self.format,
            "width": self.width,
            "height": self.height,
            "bytes": self.bytes,
            "model": self.model,
            "provider": self.provider,
            "request_id": self.request_id,
            "client_request_id": self.client_request_id,
            "cost": None if self.cost is None else str(self.cost),
            "received_at": self.received_at,
            "ordinal": self.ordinal,
            "index": self.index,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Take":
        """Raises `ValueError`, `KeyError` or `TypeError` for a garbled record; fields it doesn't know are ignored."""
        cost = data["cost"]
        request_id = data["request_id"]
        return cls(
            digest=Digest.parse(_text(data["digest"])),
            request_key=Digest.parse(_text(data["request_key"])),
            want=Digest.parse(_text(data.get("want", data["request_key"]))),
            address=_text(data["address"]),
            format=_text(data["format"]),
            width=_count(data["width"]),
            height=_count(data["height"]),
            bytes=_count(data["bytes"]),
            model=_text(data["model"]),
            provider=_text(data["provider"]),
            request_id=None if request_id is None else _text(request_id),
            client_request_id=_text(data["client_request_id"]),
            cost=None if cost is None else Money.parse(_text(cost)),
            received_at=_text(data["received_at"]),
            ordinal=_count(data["ordinal"]),
            index=_count(data.get("index", 0)),
            layer=None if data.get("layer") is None else Layer.from_dict(data["layer"]),
        )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} should be text")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} should be a whole number")
    return value
