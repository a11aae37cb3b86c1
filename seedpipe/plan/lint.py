"""What the service would refuse, refused before a cent is spent; and what it would quietly get wrong, said in time."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from seedpipe.catalogue.check import check
from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.model import AUTO, Feature, Mode, Model
from seedpipe.errors import Fault, SeedpipeError, Severity
from seedpipe.manifest.compose import compose
from seedpipe.manifest.image_numbers import image_numbers
from seedpipe.manifest.node import FrameNode, ImageNode, Reference, Sequence
from seedpipe.plan.graph import Graph
from seedpipe.plan.outputs import format_of, output_faults
from seedpipe.plan.price import layer_prices
from seedpipe.plan.resolve import CARRIED, Resolver
from seedpipe.source import Position

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
                founds = _frames(node.sequence, catalogue, provider, resolver)
            faults += [_placed(said, found) for found in founds]
        elif isinstance(node, ImageNode):
            faults += _of_looks(node, graph, catalogue, provider, resolver)
            faults += _chain(node, graph)
    faults += output_faults(list(graph), outputs)
    return tuple(_folded(faults))


def _of_looks(
    node: ImageNode, graph: Graph, catalogue: Catalogue, provider: str, resolver: Resolver
) -> Iterator[Fault]:
    """Of all looks of a picture: what all have is said once, what only some have names them."""
    looks = node.looks or (node,)
    named: dict[_Found, list[str]] = {}
    for look in looks:
        for found in (*_image(look, catalogue, provider, resolver), *_transparency(look, graph), *_needs_all(look)):
            named.setdefault(found, []).append(look.look or "")
    for found, names in named.items():
        fault = _placed(node, found)
        if len(names) < len(looks):
            which = f"`{node.address}`, look{'' if len(names) == 1 else 's'} {', '.join(names)}:"
            fault = replace(fault, message=fault.message.replace(f"`{node.address}`:", which, 1))
        yield fault


def model_faults(node: ImageNode | FrameNode, catalogue: Catalogue, provider: str, resolver: Resolver) -> Iterator[str]:
    """Why the node's model can't make its picture: the sentences of the errors; of a frame those of its sequence."""
    if isinstance(node, FrameNode):
        founds = _frames(node.sequence, catalogue, provider, resolver)
    else:
        looks = node.looks or (node,)
        founds = [found for look in looks for found in _image(look, catalogue, provider, resolver)]
    yield from (found.message for found in founds if found.severity is Severity.ERROR)


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
        yield _Found(code="layers", message=sentence, field="layers")
    for sentence in model.status_faults():
        yield _Found(code="model-status", message=sentence, field="model")
    for sentence in () if unable else model.layers_faults(size):
        yield _Found(code="size", message=sentence, field="size")
    for sentence in model.optimize_faults(node.optimize_prompt) if node.optimize_prompt is not None else ():
        yield _Found(code="optimize-prompt", message=sentence, field="optimize_prompt")
    yield from _words(node)
    yield from _length(node.prompt, model)


def _image(
    node: ImageNode, catalogue: Catalogue, provider: str, resolver: Resolver, at_once: str | None = None
) -> Iterator[_Found]:
    """`at_once`: of a chain the words of its longest request."""
    try:
        model_id = resolver.model(node.model)
        model = catalogue.model(model_id, provider)
        catalogue.list_price(provider, model_id)
    except SeedpipeError as error:
        yield _Found(code="model", message=error.message, field="model", hint=error.hint)
        return
    yield from _request(node, model)
    yield from _words(node)
    yield from _length(node.prompt if at_once is None else at_once, model)


def _frames(sequence: Sequence, catalogue: Catalogue, provider: str, resolver: Resolver) -> list[_Found]:
    """What the frames share is checked with the words of all; how long the words are by what one request says."""
    first = resolver.split(len(sequence.frames), len(sequence.base.references))[0]
    at_once = compose(sequence, sequence.frames[:first])
    return [
        *_sequence(sequence, catalogue, provider, resolver),
        *_image(_as_one(sequence), catalogue, provider, resolver, at_once),
        *_needs_all(sequence),
    ]


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


_CODES: Mapping[str, str] = {"model": "model-status"}  # of what the catalogue finds, where it isn't the field's name


def _request(node: ImageNode, model: Model) -> Iterator[_Found]:
    """Everything of the request but its words."""
    findings = check(
        model,
        size=node.size,
        aspect=node.aspect,
        references=len(node.references),
        output_format=node.output_format,
        optimize_prompt=node.optimize_prompt,
        seed=node.seed,
        guidance_scale=node.guidance_scale,
        background=node.background,
        web_search=node.web_search,
    )
    for finding in findings:
        code = _CODES.get(finding.field, finding.field.replace("_", "-"))
        yield _Found(code=code, message=finding.message, field=finding.field, severity=finding.severity)


def _transparency(node: ImageNode, graph: Graph) -> Iterator[_Found]:
    """The service takes the transparency from the one reference; whether a PNG has any is seen in its file alone."""
    if node.background != "transparent" or len(node.references) != 1:
        return
    reference = node.references[0].address
    if format_of(graph[reference], graph) == "jpeg":
        yield _Found(
            code="background",
            message=f"a transparent background needs a reference that can be seen through; `{reference}` is a JPEG",
            field="background",
            hint="a PNG with transparency, or the background of the picture as it is",
        )


def _words(node: ImageNode) -> Iterator[_Found]:
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


def _needs_all(node: ImageNode | Sequence) -> Iterator[_Found]:
    """A glob over a counted sequence means those that came, but for what can't be said, or done, without the last one."""
    last = {one.address.partition("#")[0]: one.address for one in _references(node) if one.counted}
    for address in last.values():
        if len(_references(node.lacking({address}))) == len(_references(node)):
            yield _Found(
                code="needs-all-frames",
                message=f"`{address}` may not come (its sequence is complete with fewer), and this can't do without it",
                field="references",
                severity=Severity.WARNING,
                hint="say all that came by one name, `{{ refs.name }}`, or loop over it",
            )


def _references(node: ImageNode | Sequence) -> tuple[Reference, ...]:
    return node.references if isinstance(node, ImageNode) else node.base.references


def _length(prompt: str, model: Model) -> Iterator[_Found]:
    characters, words = len(_CJK.findall(prompt)), len(prompt.split())
    if characters > model.prompt.characters or words > model.prompt.words:
        length = f"{characters} characters" if characters > model.prompt.characters else f"{words} words"
        yield _Found(
            code="long-prompt",
            message=f"the prompt has {length}; beyond {model.prompt.words} words"
            f" ({model.prompt.characters} Chinese characters) details get lost",
            field="prompt",
            severity=Severity.WARNING,
        )


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
