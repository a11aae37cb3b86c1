"""`Catalogue`: the questions everything else asks of the facts."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from seedpipe.catalogue.model import Model
from seedpipe.catalogue.names import is_endpoint, normal_name
from seedpipe.catalogue.provider import Offer, Price, Provider
from seedpipe.errors import UsageError
from seedpipe.money import Money


class UnknownModelError(UsageError):
    """No model is called this; `hint` has the nearest names."""


class UnknownProviderError(UsageError):
    """No provider is called this."""


class NotServedError(UsageError):
    """The provider doesn't serve the model; `hint` names those that do."""


class UnknownPriceError(UsageError):
    """The price is not known, so nothing can be bought until the user file has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Models by dated id, providers by id. Made by `load_catalogue`."""

    models: Mapping[str, Model]  # as the model's own file says, no provider's overrides
    providers: Mapping[str, Provider]
    served: Mapping[tuple[str, str], Model] = field(repr=False)  # (provider, dated id) → with overrides and peers
    names: Mapping[str, str] = field(repr=False)  # normal form of every alias and wire id → dated id

    def model_id(self, name: str) -> str:
        """The provider-neutral dated id of an alias, a dated id or a wire id. Raises `UnknownModelError`."""
        found = self.names.get(normal_name(name))
        if found is not None:
            return found
        if is_endpoint(name):
            raise UnknownModelError(
                f"`{name}` is an inference endpoint, and its name doesn't say which model stands behind it",
                hint="say it with the provider, in the manifest or in your own catalogue file:"
                f" `endpoints: {{seedream-4-5: {name}}}`",
            )
        near = difflib.get_close_matches(normal_name(name), list(self.names), n=6, cutoff=0.5)
        ids = list(dict.fromkeys(self.names[alias] for alias in near))[:3]
        hint = f"did you mean {' or '.join(f'`{dated}`' for dated in ids)}?" if ids else None
        raise UnknownModelError(f"no model is called `{name}`", hint=hint or "`seedpipe models` lists them all")

    def provider(self, name: str) -> Provider:
        """Raises `UnknownProviderError`."""
        found = self.providers.get(name)
        if found is None:
            near = difflib.get_close_matches(name, self.providers, n=1)
            known = ", ".join(f"`{provider}`" for provider in self.providers)
            hint = f"did you mean `{near[0]}`?" if near else f"known are {known}"
            raise UnknownProviderError(f"no provider is called `{name}`", hint=hint)
        return found

    def owner_of(self, url: str) -> Provider | None:
        """The provider whose base address `url` is; None for any other server."""
        found = [provider for provider in self.providers.values() if provider.owns(url)]
        return min(found, key=lambda provider: not provider.keys_apart, default=None)  # its very path says more

    def with_offers(self, provider: str, offers: Mapping[str, Offer]) -> "Catalogue":
        """The same catalogue with these offers of one provider, by dated id, in place of its own.

        Raises `UsageError` if one of their spellings is the name of another model.
        """
        changed = replace(self.provider(provider), offers={**self.provider(provider).offers, **offers})
        names = dict(self.names)
        for offer in offers.values():
            for spelling in (offer.wire, *offer.also):
                owner = names.setdefault(normal_name(spelling), offer.model)
                if owner != offer.model:
                    raise UsageError(
                        f"`{spelling}` is a name of both `{owner}` and `{offer.model}`",
                        hint="give one of them another name",
                    )
        return replace(self, providers={**self.providers, provider: changed}, names=names)

    def model(self, dated_id: str, provider: str | None = None) -> Model:
        """The model with the provider's overrides; without a provider as the model's own file has it.

        Raises `UnknownModelError`, `UnknownProviderError`, `NotServedError`.
        """
        if dated_id not in self.models:
            raise UnknownModelError(f"no model has the id `{dated_id}`", hint="`seedpipe models` lists them all")
        if provider is None:
            return self.models[dated_id]
        self.offer(dated_id, provider)
        return self.served[provider, dated_id]

    def offer(self, dated_id: str, provider: str) -> Offer:
        """What `provider` says about the model. Raises as `model` does."""
        found = self.provider(provider).offers.get(dated_id)
        if found is None:
            others = [name for name, other in self.providers.items() if dated_id in other.offers]
            hint = f"served by {', '.join(f'`{name}`' for name in others)}" if others else None
            raise NotServedError(f"`{provider}` does not serve `{dated_id}`", hint=hint)
        return found

    def wire_id(self, dated_id: str, provider: str) -> str:
        """What the request's `model` field says at `provider`."""
        return self.offer(dated_id, provider).wire

    def list_price(self, provider: str, dated_id: str) -> Price:
        """Raises `UnknownPriceError` if the catalogue has none, and as `model` does."""
        price = self.offer(dated_id, provider).price
        if price is None:
            raise UnknownPriceError(
                f"the price of `{dated_id}` at `{provider}` is not known",
                hint="write it in your user file, as `price` of this model at this provider",
            )
        return price

    def price(self, provider: str, dated_id: str, width: int, height: int, inputs: int, outputs: int = 1) -> Money:
        """List price of one request for `outputs` pictures of `width` × `height` with `inputs` references."""
        return self.list_price(provider, dated_id).total(width, height, inputs, outputs)

    def layer_price(self, provider: str, dated_id: str, width: int, height: int) -> Money:
        """List price of one picture of a decomposition. Raises `UnknownPriceError`, and as `model` does."""
        price = self.list_price(provider, dated_id).of_layer(width, height)
        if price is None:
            raise UnknownPriceError(
                f"the price of a layer of `{dated_id}` at `{provider}` is not known",
                hint="write it in your user file, as `layer` in the `price` of this model at this provider",
            )
        return price

    def size_for(self, model: Model, tier: str, aspect: str | None) -> tuple[int, int]:
        """Exact pixels of `tier` × `aspect` (None: square). Raises `UsageError` with a sentence."""
        return model.size_for(tier, aspect)
