"""Whether the digests in a line of the lock can be true, by the words of the manifest. Pure.

`want` and `own` are digests of a document that `asked` holds but for its texts. Where the manifest has these texts, the
document is known in full, whatever it is made from now: then each of the three follows from the others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from math import comb
from typing import Any, Final

from seedpipe.canonical import digest_of
from seedpipe.errors import Fault, SeedpipeError
from seedpipe.manifest.node import FrameNode, ImageNode, SourceNode
from seedpipe.names import Digest
from seedpipe.plan.fewer import with_so_many
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import MASKED, remembered_document, request_document
from seedpipe.plan.lock_place import FROM_GIT, GARBLED, Place
from seedpipe.plan.resolve import Resolver
from seedpipe.state.lock import ImageEntry

_COSTS: Final = f"{FROM_GIT}; as it stands, a build could buy the picture again"
_SEARCHES: Final = 16  # lines of one file of which every division into sources and other pictures is tried
_MOST_DIVISIONS: Final = 1 << 14

Document = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class ManifestWords:
    """What the manifest asks of each picture, in each of its looks."""

    graph: Graph
    resolver: Resolver
    _searches: int = field(default=_SEARCHES, init=False)

    def judge(self, place: Place, entry: ImageEntry) -> tuple[bool, Sequence[Fault]]:
        """Whether the manifest has the line's words, and what is wrong with its digests."""
        try:
            references = entry.asked.get("references", ())
            found = [(node, _with_references(words, entry)) for node, words in self._words(place.name, len(references))]
            for node, document in found:
                if remembered_document(document) == entry.asked:
                    return True, tuple(self._of_known_words(place, entry, node, document))
            for _, document in found:
                if digest_of(document) == entry.want:
                    return True, (_asked_fault(place, entry, document),)
        except GARBLED:  # `asked` holds what no document does
            return False, ()
        return False, ()

    def _words(self, address: str, references: int) -> Iterator[tuple[ImageNode | FrameNode, Document]]:
        """Each look and its document, without references; also with as few of counted pictures as it was made from."""
        if address not in self.graph:
            return
        node = self.graph[address]
        if not isinstance(node, ImageNode | FrameNode):
            return
        for look in (node.looks or (node,)) if isinstance(node, ImageNode) else (node,):
            try:
                for one in (look, *with_so_many(look, references)):
                    yield look, request_document(self.resolver.asked(one), ())
            except SeedpipeError:  # the manifest's own fault, told elsewhere
                continue

    def _of_known_words(
        self, place: Place, entry: ImageEntry, node: ImageNode | FrameNode, document: Document
    ) -> Iterator[Fault]:
        want = digest_of(document)
        if want != entry.want:
            words = f"`want` is {entry.want.short}, and the digest of what `asked` says is {want.short}"
            yield place.error(words, place.column_of("want"), hint=_COSTS.format(file=place.file))
        elif not self._is_own(entry.own, node, document):
            words = f"`own` is {entry.own.short}, which is no digest of what `asked` says, whatever is left out of it"
            yield place.error(words, place.column_of("own"), hint=_COSTS.format(file=place.file))

    def _is_own(self, own: Digest, node: ImageNode | FrameNode, document: Document) -> bool:
        """With the pictures masked that other nodes make. A source then may have become a generated picture since."""
        references: Sequence[str] = document.get("references", ())
        now = [not isinstance(self.graph[reference.address], SourceNode) for reference in node.references]
        if len(now) == len(references) and _masked(document, now) == own:
            return True
        if len(now) > len(references) and any(one.counted for one in node.references):
            return self._is_own_of_more(own, node, references)
        if not references or not self._searches:
            return bool(references)
        self._searches -= 1
        either = [(True,) if reference.startswith("recipe:") else (False, True) for reference in references]
        return any(_masked(document, division) == own for division in product(*either))

    def _is_own_of_more(self, own: Digest, node: ImageNode | FrameNode, references: Sequence[str]) -> bool:
        """By the words and the number of all counted pictures that it may be made from, of which it has some."""
        fixed = [index for index, one in enumerate(node.references) if not one.counted]
        if not self._searches or comb(len(references), len(fixed)) << len(fixed) > _MOST_DIVISIONS:
            return True
        self._searches -= 1
        words = request_document(self.resolver.asked(node), ())
        for known in combinations(references, len(fixed)):
            for sources in product((True, False), repeat=len(fixed)):
                whole = [MASKED] * len(node.references)
                for index, reference, is_source in zip(fixed, known, sources, strict=True):
                    whole[index] = reference if is_source else MASKED
                if digest_of({**words, "references": whole}) == own:
                    return True
        return False


def _with_references(words: Document, entry: ImageEntry) -> Document:
    references = entry.asked.get("references")
    return words if references is None else {**words, "references": references}


def _masked(document: Document, elsewhere: Sequence[bool]) -> Digest:
    if not elsewhere:
        return digest_of(document)
    references = zip(document["references"], elsewhere, strict=True)
    return digest_of({**document, "references": [MASKED if made else reference for reference, made in references]})


def _asked_fault(place: Place, entry: ImageEntry, document: Document) -> Fault:
    true = remembered_document(document)
    names = [name for name in sorted({*true, *entry.asked}) if true.get(name) != entry.asked.get(name)]
    named = " and ".join(f"`{name}`" for name in names)
    words = f"`asked` is not what `want` is the digest of: {named} {'is' if len(names) == 1 else 'are'} another there"
    return place.error(words, place.column_of("asked"))
