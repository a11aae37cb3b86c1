"""`OrderMaker`: from what is wanted of the service to an order with its price, its time-outs and its body."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seedpipe.build.order import Order, Wanted, WantedPicture
from seedpipe.build.report import Report
from seedpipe.build.request import Sending, body_maker
from seedpipe.canonical import canonical_json, digest_of
from seedpipe.catalogue.lookup import Catalogue
from seedpipe.images.probe import header_size
from seedpipe.manifest.node import ImageNode
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.plan.key import Asked
from seedpipe.plan.price import price_of
from seedpipe.state.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMaker:
    """Orders at the list prices of one provider."""

    catalogue: Catalogue
    provider: str
    store: Store
    report: Report
    retry_unknown: bool = False

    def order(
        self,
        node: ImageNode,
        asked: Asked,
        document: Mapping[str, object],
        references: Sequence[tuple[str, Digest]],
        pictures: Sequence[WantedPicture],
        *,
        ordinal: int = 1,
        is_batch: bool = False,
        anew: bool = False,
        layers: bool = False,
    ) -> Order:
        """`asked` says the words that are sent, `document` is the request's; `node` names it in messages."""
        model = self.catalogue.model(asked.model, self.provider)
        sending = Sending(
            asked=asked,
            references=references,
            response_format=node.response_format,
            model=model,
            wire=self.catalogue.wire_id(asked.model, self.provider),
            frames=len(pictures) if is_batch else None,
            layers=layers,
        )
        provider = self.catalogue.provider(self.provider)
        return Order(
            wanted=Wanted(
                address=node.address if is_batch else pictures[0].address,
                ordinal=ordinal,
                key=digest_of(document),
                document=canonical_json(document),
                model=asked.model,
                price=self._layer_price(asked, references[0][1]) if layers else self._price(asked, len(references)),
                pictures=tuple(pictures),
                look=node.look,
            ),
            timeout=provider.timeout(len(pictures)),
            silence=provider.timeout(1),
            tags=node.tags,
            despite_unknown=self.retry_unknown,
            anew=anew,
            body=body_maker(sending, store=self.store, noticed=lambda said: self.report.notice(node.address, said)),
        )

    def _price(self, asked: Asked, inputs: int) -> Money:
        return price_of(self.catalogue, self.provider, asked.model, asked.size, inputs=inputs)

    def _layer_price(self, asked: Asked, picture: Digest) -> Money:
        """Of each picture of the decomposition; `auto` is as large as the picture that is taken apart."""
        model = self.catalogue.model(asked.model, self.provider)
        width, height = header_size(self.store.path(picture)) or (model.pixels.max, 1)
        pixels = model.size_of_layers(asked.size, width, height)
        return self.catalogue.layer_price(self.provider, asked.model, *pixels)
