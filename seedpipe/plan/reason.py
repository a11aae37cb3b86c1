"""`Reason`: why a node is what it is, as data; each has its sentence, for plan, explain, JSON and pages alike."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One cause. `code` is stable; `to_dict` gives code, fields and the sentence.

    `look`: of a picture with several looks, the one that it is about; None: the picture as a whole.
    """

    code: ClassVar[str] = "reason"
    look: str | None = None

    def sentence(self) -> str:
        told = self._told()
        return told if self.look is None else f"look {self.look}: {told}"

    def _told(self) -> str:
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {"code": self.code, "sentence": self.sentence()} | {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value not in (None, ())
        }
