"""What the service would refuse, refused before a cent is spent; and what it would quietly get wrong, said in time."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.model import AUTO, EXACT, Feature, Mode, Model
from seedpipe.errors import Fault, SeedpipeError, Severity
from seedpipe.manifest.compose import compose
from seedpipe.manifest.node import FrameNode, ImageNode, Sequence
from seedpipe.plan.graph import Graph
from seedpipe.plan.outputs import output_faults
from seedpipe.plan.price import layer_prices, pixels_of
from seedpipe.plan.resolve import CARRIED, Resolver
from seedpipe.source import Position

_NUMBER = r"\d{1,3}\b(?!:\d|%)"  # not the 16 of `image 16:9`
_LIST = rf"{_NUMBER}(?:\s*(?:,|&|-|–|to|,?\s*and)\s*{_NUMBER})*"
_IMAGE_N = re.compile(rf"\bimage\s+({_NUMBER})|\bimages\s+({_LIST})", re.IGNORECASE)
_RANGE = re.compile(r"(\d+)(?:\s*(?:-|–|to)\s*(\d+))?")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# Codes of faults that another model may cure: none of them hinders a look at what moving to it would take.
OF_THE_MODEL = frozenset(
    ["model", "model-status", "size", "aspect", "output-format", "optimize-prompt", "references", "sequence"]
    + [feature.replace("_", "-") for feature in Feature]
)
LONG_CHAIN = 3  # edits of edits after which faces and marks begin to drift


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A fault before it has an address: `field` is where it stands in the manifest."""

    code: str
    message: str
    field: str
    severity: Severity = Severity.ERROR
    hint: str | None = None


def lint(
    graph: Graph, *, catalogue: Catalogue, provider: str, resolver: Resolver, outputs: Mapping[str, str]
) -> tuple[Fault, ...]:
    """Every fault and warning of the graph, in manifest order. Faults that many items share are said once."""
    faults: list[Fault] = []
    sequences: set[str] = set()
    for node in graph:
        if isinstance(node, FrameNode) and node.sequence.address not in sequences:
            sequences.add(node.sequence.address)
            said = _as_one(node.sequence)
            if node.sequence.layered:
                founds = list(_layers(said, catalogue, provider, resolver))
            else:
                founds = [
                    *_sequence(node.sequence, catalogue, provider, resolver),
                    *_image(said, catalogue, provider, resolver),
                ]
            faults += [_placed(said, found) for found in founds]
        elif isinstance(node, ImageNode):
            faults += [_placed(node, found) for found in _image(node, catalogue, provider, resolver)]
            faults += _chain(node, graph)
    faults += output_faults(list(graph), outputs)
    return tuple(_folded(faults))


def _placed(node: ImageNode, found: _Found) -> Fault:
    return Fault(
        code=found.code,
        message=f"`{node.address}`: {found.message}",
        position=_position(node, found.field),
        hint=found.hint,
        severity=found.severity,
        address=node.address,
    )


def _position(node: ImageNode, field: str) -> Position:
    return node.positions.get(field, node.prompt_position if field == "prompt" else node.position)


def _layers(node: ImageNode, catalogue: Catalogue, provider: str, resolver: Resolver) -> Iterator[_Found]:
    size = node.size or AUTO
    try:
        model_id = resolver.model(node.model)
        model = catalogue.model(model_id, provider)
        unable = model.feature_faults(Feature.LAYERS)
        if not unable and not model.layers_faults(size):
            layer_prices(catalogue, provider, model_id, size)
    except SeedpipeError as error:
        yield _Found(code="model", message=error.message, field="model", hint=error.hint)
        return
    for sentence in unable:
        yield _Found(code="layers", message=sentence, field="model")
    for sentence in model.status_faults():
        yield _Found(code="model-status", message=sentence, field="model")
    for sentence in () if unable else model.layers_faults(size):
        yield _Found(code="size", message=sentence, field="size")
    yield from _parameters(node, model)
    yield from _words(node, model)


def _image(node: ImageNode, catalogue: Catalogue, provider: str, resolver: Resolver) -> Iterator[_Found]:
    try:
        model_id = resolver.model(node.model)
        model = catalogue.model(model_id, provider)
        catalogue.list_price(provider, model_id)
    except SeedpipeError as error:
        yield _Found(code="model", message=error.message, field="model", hint=error.hint)
        return
    for sentence in model.status_faults():
        yield _Found(code="model-status", message=sentence, field="model")
    yield from _size(node, model)
    yield from _parameters(node, model)
    for sentence in model.reference_faults(len(node.references)):
        yield _Found(code="references", message=sentence, field="references")
    yield from _words(node, model)


def _as_one(sequence: Sequence) -> ImageNode:
    """What the frames share, saying all their words: what holds for one picture holds for it."""
    return replace(sequence.base, prompt=compose(sequence, sequence.frames))


def _sequence(sequence: Sequence, catalogue: Catalogue, provider: str, resolver: Resolver) -> Iterator[_Found]:
    base, count = sequence.base, len(sequence.base.references)
    try:
        model = catalogue.model(resolver.model(base.model), provider)
    except SeedpipeError:
        return  # said of the image
    for sentence in model.mode_faults(Mode.SEQUENCE):
        yield _Found(code="sequence", message=sentence, field="model")
    asked = len(sequence.frames) if sequence.counted else 1
    for sentence in model.reference_faults(count, asked) if asked > 1 else ():
        yield _Found(code="references", message=sentence, field="references")
    if not sequence.counted and len(resolver.split(len(sequence.frames), count)) > 1:
        room = model.references.max - CARRIED
        if count > room:
            yield _Found(
                code="references",
                message=f"its {len(sequence.frames)} frames need several requests, which leave {room} references"
                f" beside the {CARRIED} frames that are carried over; it has {count}",
                field="references",
                hint="fewer references, or two sequences",
            )


def _size(node: ImageNode, model: Model) -> Iterator[_Found]:
    exact = pixels_of(node.size) if node.size is not None else None
    if exact is not None:
        for sentence in model.size_faults(*exact):
            yield _Found(code="size", message=sentence, field="size")
    elif node.aspect is not None:
        tier = node.size or model.default_tier or EXACT
        field = "size" if model.tier_faults(tier) else "aspect"
        for sentence in model.aspect_faults(tier, node.aspect):
            yield _Found(code=field, message=sentence, field=field)
    elif node.size is not None:
        for sentence in model.tier_faults(node.size):
            yield _Found(code="size", message=sentence, field="size")


def _parameters(node: ImageNode, model: Model) -> Iterator[_Found]:
    if node.output_format is not None:
        for sentence in model.output_format_faults(node.output_format):
            yield _Found(code="output-format", message=sentence, field="output_format")
    if node.optimize_prompt is not None:
        for sentence in model.optimize_faults(node.optimize_prompt):
            yield _Found(code="optimize-prompt", message=sentence, field="optimize_prompt")
    wanted = {
        Feature.SEED: node.seed is not None,
        Feature.GUIDANCE_SCALE: node.guidance_scale is not None,
        Feature.WEB_SEARCH: node.web_search,
        Feature.BACKGROUND: node.background == "transparent",
    }
    for feature, is_wanted in wanted.items():
        if is_wanted:
            for sentence in model.feature_faults(feature):
                yield _Found(code=feature.replace("_", "-"), message=sentence, field=feature)


def _words(node: ImageNode, model: Model) -> Iterator[_Found]:
    count = len(node.references)
    named = image_numbers(node.prompt)
    for number in sorted(named):
        if number > count or number == 0:
            has = f"it has {count} reference{'s' if count != 1 else ''}" if count else "it has no references"
            yield _Found(
                code="image-number",
                message=f"the prompt says `image {number}`, but {has}",
                field="prompt",
                hint="write `{{ refs.name }}`: it always gives the right number",
            )
    if count > 1:
        silent = [reference.address for number, reference in enumerate(node.references, 1) if number not in named]
        if silent:
            yield _Found(
                code="silent-reference",
                message=f"the prompt never mentions {', '.join(f'`{address}`' for address in silent[:4])}",
                field="references",
                severity=Severity.WARNING,
                hint="say what each picture is for: `{{ refs.name }}` renders `image 1`",
            )
    characters, words = len(_CJK.findall(node.prompt)), len(node.prompt.split())
    if characters > model.prompt.characters or words > model.prompt.words:
        length = f"{characters} characters" if characters > model.prompt.characters else f"{words} words"
        yield _Found(
            code="long-prompt",
            message=f"the prompt has {length}; beyond {model.prompt.words} words"
            f" ({model.prompt.characters} Chinese characters) details get lost",
            field="prompt",
            severity=Severity.WARNING,
        )


def image_numbers(prompt: str) -> frozenset[int]:
    """Which pictures a prompt speaks of: `image 2`, `images 1 and 3`, `images 1-3`."""
    numbers: set[int] = set()
    for one, several in _IMAGE_N.findall(prompt):
        for first, last in _RANGE.findall(one or several):
            numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


def _chain(node: ImageNode, graph: Graph) -> Iterator[Fault]:
    """An edit of an edit of an edit drifts from what the first one showed."""
    length, address = 0, node.address
    while True:
        present = graph[address]
        if not isinstance(present, ImageNode) or len(present.references) != 1:
            break
        length, address = length + 1, present.references[0].address
    if length > LONG_CHAIN:
        yield Fault(
            code="edit-chain",
            message=f"`{node.address}` is an edit of an edit, {length} deep: details drift with each",
            position=node.position,
            severity=Severity.WARNING,
            hint=f"refer to `{address}` as well, the first of the chain",
            address=node.address,
        )


def _folded(faults: list[Fault]) -> Iterator[Fault]:
    """One fault for the items of a matrix that share it, naming the first and how many more."""
    groups: dict[tuple[str, Position | None, str], list[Fault]] = {}
    for fault in faults:
        plain = fault.message.replace(f"`{fault.address}`", "", 1)
        groups.setdefault((fault.code, fault.position, plain), []).append(fault)
    for group in groups.values():
        first, more = group[0], len(group) - 1
        if more:
            yield Fault(
                code=first.code,
                message=f"{first.message} (and {more} more like it)",
                position=first.position,
                hint=first.hint,
                severity=first.severity,
                address=first.address,
            )
        else:
            yield first
