"""What an entry says where the service made fewer counted pictures than its globs may mean: its words, rendered anew."""

import functools
from collections.abc import Mapping

from seedpipe.manifest.compose import compose
from seedpipe.manifest.finder import FileFinder
from seedpipe.manifest.findings import Findings
from seedpipe.manifest.frame_list import FrameList
from seedpipe.manifest.frames import FrameMaker
from seedpipe.manifest.image_numbers import image_numbers
from seedpipe.manifest.matrix import Item
from seedpipe.manifest.node import Sequence, Without, Wording
from seedpipe.manifest.prompts import PromptMaker
from seedpipe.manifest.recipe import Recipe
from seedpipe.manifest.references import Resolved
from seedpipe.manifest.scope import Scope


class FewerPictures:
    """Makes `Without`s. One answers None where a glob would mean nothing, or the words name a picture that is lacking."""

    def __init__(self, scope: Scope, finder: FileFinder, frames: Mapping[str, FrameList]) -> None:
        findings = Findings()  # nobody reads them: with all pictures there was no fault
        self._prompts = PromptMaker(scope, finder, findings)
        self._frames = FrameMaker(scope, findings, frames)

    def of_image(self, recipe: Recipe, item: Item, resolved: Resolved) -> Without | None:
        """None where none of its references may be lacking."""

        def without(absent: frozenset[str]) -> Wording | None:
            left = _left(recipe, item, resolved, absent)
            words = None if left is None else self._prompts.prompt(recipe, item, left.refs)
            if left is None or words is None or not _there(words[0], left):
                return None
            return Wording(prompt=words[0], references=left.references)

        return functools.cache(without) if _may_lack(resolved) else None

    def of_sequence(self, recipe: Recipe, item: Item, resolved: Resolved, sequence: Sequence) -> Without | None:
        """As of an image; the frames are reworded together."""

        def without(absent: frozenset[str]) -> Wording | None:
            left = _left(recipe, item, resolved, absent)
            shared = None if left is None else self._prompts.shared(recipe, item, left.refs)
            if left is None or shared is None:
                return None
            made = self._frames.fewer(recipe, item, sequence.saying(shared[0]), left.refs)
            if made is None or not _there(compose(made, made.frames), left):
                return None
            return Wording(prompt=shared[0], references=left.references, frames=made.frames)

        return functools.cache(without) if _may_lack(resolved) else None


def _may_lack(resolved: Resolved) -> bool:
    return any(reference.counted for reference in resolved.references)


def _left(recipe: Recipe, item: Item, resolved: Resolved, absent: frozenset[str]) -> Resolved | None:
    """The references that are left; None where a glob has nothing left."""
    left: Resolved = recipe.made["references"].resolve(item, absent)
    globs = {one.glob for one in resolved.references if one.counted}
    return left if globs <= {one.glob for one in left.references} else None


def _there(words: str, left: Resolved) -> bool:
    """Whether all pictures that the words speak of by number are there."""
    return max(image_numbers(words), default=0) <= len(left.references)
