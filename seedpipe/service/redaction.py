"""`Redaction`: the key taken out of whatever a server sends back. Pure."""

from dataclasses import dataclass, field, replace
from typing import Final

from seedpipe.service.refusals import Refusal
from seedpipe.service.reply import Item, ItemFault, PictureAt, PictureBytes, Reply

_INSTEAD: Final = "[key]"
# A shorter one guards nothing, and stands by chance in words and addresses: `x` taken out of a signed address loses a paid picture.
_SHORTEST: Final = 8


@dataclass(frozen=True, slots=True)
class Redaction:
    """Done twice: in the bytes, before anything is cut to length, and after parsing, as JSON spells text in many ways.

    A secret of fewer than eight characters, as servers on one's own machine are given, leaves everything as it is.
    """

    secret: str = field(repr=False)

    def text(self, text: str) -> str:
        return text.replace(self.secret, _INSTEAD) if len(self.secret) >= _SHORTEST else text

    def body(self, body: bytes) -> bytes:
        secret = self.secret.encode()
        return body.replace(secret, _INSTEAD.encode()) if len(self.secret) >= _SHORTEST and secret in body else body

    def refusal(self, refusal: Refusal) -> Refusal:
        return replace(
            refusal,
            code=self.text(refusal.code),
            message=self.text(refusal.message),
            request_id=None if refusal.request_id is None else self.text(refusal.request_id),
        )

    def item(self, item: Item) -> Item:
        match item:
            case ItemFault():
                return self.fault(item)
            case PictureAt() | PictureBytes():
                return self.picture(item)

    def picture(self, picture: PictureAt | PictureBytes) -> PictureAt | PictureBytes:
        return replace(picture, url=self.text(picture.url)) if isinstance(picture, PictureAt) else picture

    def fault(self, fault: ItemFault) -> ItemFault:
        return replace(fault, code=self.text(fault.code), message=self.text(fault.message))

    def outcome(self, outcome: Reply | Refusal) -> Reply | Refusal:
        if isinstance(outcome, Refusal):
            return self.refusal(outcome)
        model = None if outcome.model is None else self.text(outcome.model)
        return replace(outcome, items=tuple(self.item(item) for item in outcome.items), model=model)


NOTHING: Final = Redaction("")
