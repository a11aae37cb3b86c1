"""What the catalogue decides, decided once: alias → dated model, tier × aspect → pixels. The lock remembers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.model import EXACT, Mode
from seedpipe.catalogue.names import is_endpoint, normal_name
from seedpipe.errors import UsageError
from seedpipe.manifest.node import FrameNode, ImageNode
from seedpipe.plan.key import DEFAULTS_1, Asked
from seedpipe.plan.sizes import AskedSize, SizeRule, asked_size

CARRIED: Final = 2  # frames of one request that the next request of a chain takes as references


@dataclass(slots=True)
class Resolver:
    """Answers from the lock's `resolved` block first, else from the catalogue; `made` gathers the new answers."""

    catalogue: Catalogue
    provider: str
    remembered: Mapping[str, str]
    made: dict[str, str] = field(default_factory=dict)
    _sizes: dict[tuple[str, str], AskedSize] = field(default_factory=dict)

    def model(self, name: str) -> str:
        """The dated id. Raises `UnknownModelError`."""
        ask = f"model/{name}"
        known = self.remembered.get(ask) or self.made.get(ask)
        if known is not None:
            return self._still(name, known) if is_endpoint(name) else known
        dated = self.catalogue.model_id(name)
        if dated != name:  # a dated id needs no remembering
            self.made[ask] = dated
        return dated

    def _still(self, endpoint: str, known: str) -> str:
        """What an endpoint stands for is its owner's word, which a lock can't overrule, only lack."""
        said = self.catalogue.names.get(normal_name(endpoint), known)
        if said != known:
            raise UsageError(
                f"`{endpoint}` stands for `{said}` now, and the lock has pictures of it as `{known}`",
                hint=f"write `model: {said}` for new pictures, or `model: {known}` to keep those",
            )
        return known

    def size(self, model_id: str, size: str | None, aspect: str | None) -> str:
        """`WxH`, or a tier where the manifest leaves the aspect to the model.

        Raises `UsageError` for a tier or aspect that the model has not; the linter words that for people.
        """
        if size is not None and ("x" in size or aspect is None):
            return size
        ask = f"size/{model_id}/{size or '-'}/{aspect or '-'}"
        known = self.remembered.get(ask) or self.made.get(ask)
        if known is None:
            model = self.catalogue.model(model_id, self.provider)
            if aspect is None:
                known = model.default_size
            else:
                width, height = self.catalogue.size_for(model, size or model.default_tier or EXACT, aspect)
                known = f"{width}x{height}"
            self.made[ask] = known
        return known

    def split(self, frames: int, references: int) -> tuple[int, ...]:
        """How many frames each request of a chain asks for: the tightest limits of the catalogue.

        Every request after the first also carries two frames of the one before, as references.
        """
        ask = f"frames/{frames}+{references}"
        known = self.remembered.get(ask) or self.made.get(ask)
        if known is None:
            limit = min(
                model.references.total for model in self.catalogue.models.values() if Mode.SEQUENCE in model.modes
            )
            sizes = [min(frames, max(1, limit - references))]
            while sum(sizes) < frames:
                sizes.append(min(frames - sum(sizes), max(1, limit - references - CARRIED)))
            known = ",".join(map(str, sizes))
            if len(sizes) > 1:  # one request needs no remembering
                self.made[ask] = known
        return tuple(map(int, known.split(",")))

    def asked(self, node: ImageNode | FrameNode) -> Asked:
        """Everything that decides the node's picture but its references."""
        if isinstance(node, FrameNode):
            return self._frame(node)
        model_id = self.model(node.model)
        return Asked(
            model=model_id,
            prompt=node.prompt,
            size=self.size(model_id, node.size, node.aspect),
            watermark=node.watermark,
            output_format=node.output_format or DEFAULTS_1["output_format"],
            optimize_prompt=node.optimize_prompt or DEFAULTS_1["optimize_prompt"],
            background=node.background or DEFAULTS_1["background"],
            web_search=node.web_search,
            seed=node.seed,
            guidance_scale=node.guidance_scale,
            variant=node.variant,
        )

    def size_rule(self, node: ImageNode | FrameNode, asked: Asked) -> SizeRule:
        """What size the node's picture is to have, and what if it comes in another. A layer is as large as it is."""
        if asked.layer is not None:
            return SizeRule(asked=AskedSize(text=asked.size, exact=None, tiers={}), on_mismatch=node.on_size_mismatch)
        found = self._sizes.get((asked.model, asked.size))
        if found is None:
            found = asked_size(self.catalogue.model(asked.model, self.provider), asked.size)
            self._sizes[asked.model, asked.size] = found
        return SizeRule(asked=found, on_mismatch=node.on_size_mismatch)

    def _frame(self, node: FrameNode) -> Asked:
        sequence = node.sequence
        shared = self.asked(sequence.base)
        if sequence.layered:
            return replace(shared, is_frame=True, layer=node.frame.id)
        if sequence.counted:
            return replace(shared, is_frame=True, counted=f"{node.frame.number}/{len(sequence.frames)}")
        return replace(
            shared, is_frame=True, prompt=node.frame.prompt, shared=sequence.base.prompt, compose=sequence.compose
        )
