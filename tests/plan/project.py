"""A project in memory to edit, plan and complete, for tests that read like a session."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from seedpipe.canonical import digest_of
from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.errors import Fault
from seedpipe.manifest.expand import expand
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, Node, SourceNode, worn
from seedpipe.manifest.parse import parse_manifest
from seedpipe.manifest.steps import Text
from seedpipe.names import Digest, Realm
from seedpipe.plan.fewer import lacking, own_of
from seedpipe.plan.graph import Graph, link
from seedpipe.plan.key import (
    TEXTS,
    recipe_document,
    recipe_identity,
    remembered_document,
    request_document,
)
from seedpipe.plan.lint import lint
from seedpipe.plan.memory import Refused, Uncertain
from seedpipe.plan.outputs import output_paths
from seedpipe.plan.plan import Plan, PlanNode, State
from seedpipe.plan.planner import make_plan
from seedpipe.plan.reasons import SameAs
from seedpipe.plan.resolve import Resolver
from seedpipe.plan.select import Wish, select
from seedpipe.state.lock import DerivedEntry, Entry, ImageEntry, Level, Lock, Made, SourceEntry
from tests.support.remembered import KeptFiles, Remembered

HEAD = "seedpipe: 1\ndefaults: {model: seedream-4-5, size: 2K}\nimages:\n"
MODERATED = Refused(code="InputTextSensitiveContentDetected", message="may contain sensitive words", blocked=True)
INVALID = Refused(code="InvalidParameter", message="size is not valid", blocked=False)
UNANSWERED = Uncertain(since="2026-11-23 21:04 UTC", cost="0.04 USD", why="timed out", ordinal=1)


@dataclass(slots=True)
class Project:
    """`build` completes a plan as a build without a fault would, so that the next plan can be asked what is left."""

    files: KeptFiles = field(default_factory=KeptFiles)
    memory: Remembered = field(init=False)
    lock: Lock = field(default_factory=Lock)
    provider: str = "apiyi"
    bought: int = 0  # pictures, over all builds
    spent: int = 0  # millionths, by the plans' own prices
    comes: dict[str, int] = field(default_factory=dict)  # sequence → how many of its pictures a batch brings
    lacks: set[str] = field(default_factory=set)  # pictures that a batch does not bring

    def __post_init__(self) -> None:
        self.memory = Remembered(self.files)

    # The manifest

    def write(self, path: str, text: str) -> "Project":
        self.files.texts[path] = text
        return self

    def images(self, text: str) -> "Project":
        """Write the manifest's `images:`, with format and defaults above."""
        return self.write("seedpipe.yaml", HEAD + "".join(f"  {line}\n" for line in text.strip("\n").split("\n")))

    def edit(self, old: str, new: str) -> "Project":
        text = self.files.texts["seedpipe.yaml"]
        assert old in text
        return self.write("seedpipe.yaml", text.replace(old, new))

    def graph(self) -> Graph:
        return link(expand(parse_manifest(self.files, "seedpipe.yaml"), self.files).nodes)

    def resolver(self) -> Resolver:
        return Resolver(catalogue=load_catalogue(), provider=self.provider, remembered=self.lock.resolved)

    def lint(self) -> Sequence[Fault]:
        graph = self.graph()
        return lint(
            graph,
            catalogue=load_catalogue(),
            provider=self.provider,
            resolver=self.resolver(),
            outputs=output_paths(graph),
        )

    # Plans

    def plan(self, *targets: str, exclude: Sequence[str] = (), **wish: Any) -> Plan:
        selection = select(self.graph(), targets, exclude=exclude)
        return self.plan_for(Wish(selection=selection, targets=targets, **wish))

    def plan_for(self, wish: Wish) -> Plan:
        graph = self.graph()
        return make_plan(
            graph,
            lock=self.lock,
            catalogue=load_catalogue(),
            provider=self.provider,
            resolver=self.resolver(),
            memory=self.memory,
            wish=wish,
            outputs=output_paths(graph),
            folder="",
            project="lumen",
            realm=Realm.LIVE,
        )

    def states(self, *targets: str, **wish: Any) -> dict[str, str]:
        """Address → state of everything but sources that are as they should be."""
        nodes = self.plan(*targets, **wish).nodes.values()
        return {node.address: node.state.value for node in nodes if (node.kind, node.state) != ("source", State.CACHED)}

    def why(self, address: str, *targets: str, **wish: Any) -> list[str]:
        return [reason.sentence() for reason in self.plan(*targets, **wish).nodes[address].reasons]

    # What people and the service do

    def build(self, *targets: str, **wish: Any) -> Plan:
        plan = self.plan(*targets, **wish)
        Completion(self, plan, self.graph(), self.resolver()).run()
        return plan

    def choose(self, address: str, level: Level) -> None:
        entry = self.entry(address)
        self.lock = replace(self.lock, entries={**self.lock.entries, address: replace(entry, level=level)})

    def approve(self, address: str) -> None:
        self.choose(address, Level.APPROVED)

    def pin(self, address: str) -> None:
        self.choose(address, Level.PINNED)

    def entry(self, address: str) -> ImageEntry:
        entry = self.lock.image(address)
        assert entry is not None
        return entry

    def key(self, address: str) -> Digest:
        key = self.plan().nodes[address].key
        assert key is not None
        return key

    def lose(self, address: str, *, output: bool = True) -> None:
        """The bytes of the chosen picture; with `output` also its file."""
        self.memory.forget_bytes(self.entry(address).take)
        if output:
            self.memory.outputs.pop(output_paths(self.graph())[address], None)

    def paint_over(self, address: str) -> None:
        """Someone else's picture lies where the output belongs."""
        self.memory.outputs[output_paths(self.graph())[address]] = Digest.of(b"a person's own picture")


@dataclass(slots=True)
class Completion:
    """Every picture of `plan` made as it says: takes, recipes, lock entries and outputs, in the plan's order."""

    project: Project
    plan: Plan
    graph: Graph
    resolver: Resolver
    present: dict[str, tuple[str, Digest]] = field(default_factory=dict)  # address → identity and picture
    entries: dict[str, Entry] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)  # counted pictures that don't exist

    def run(self) -> None:
        for planned in self.plan.nodes.values():
            node = self._as_came(self.graph[planned.address], planned)
            if planned.taken is not None:
                identity = recipe_identity(planned.key) if planned.kind == "derived" and planned.key else None
                self.present[planned.address] = (identity or str(planned.taken), planned.taken)
            if planned.state.needs_a_person or self._did_not_come(node, planned):
                continue
            match node:
                case SourceNode():
                    self._source(node, planned)
                case DerivedNode():
                    self._derived(node, planned)
                case ImageNode() | FrameNode():
                    self._image(node, planned)
        project = self.project
        project.lock, left_alone = project.lock.changed(
            dict(project.lock.entries), self.entries, resolved=self.plan.resolved, project="lumen"
        )
        assert not left_alone

    def _as_came(self, node: Node, planned: PlanNode) -> Node:
        if not planned.exists:
            self.absent.add(node.address)
        return lacking(node, self.absent)

    def _did_not_come(self, node: Node, planned: PlanNode) -> bool:
        """The service did not make it, or something that it can't do without."""
        if not planned.exists:
            return True
        if not planned.state.buys and planned.state not in (State.FREE, State.SAME):
            return False
        project, node = self.project, worn(node, planned.look)
        same = {reason.address for reason in planned.reasons if isinstance(reason, SameAs)}
        if isinstance(node, FrameNode) and (planned.batch is not None or same):
            together = [one.address for one in self.plan.nodes.values() if one.batch == planned.batch is not None]
            late = node.address in together[project.comes.get(node.sequence.address, len(together)) :]
            if late or node.address in project.lacks or same & self.absent:
                self.absent |= {node.address} if node.sequence.counted else set()
                return True
        above = (
            node.inputs if isinstance(node, DerivedNode) else [one.address for one in getattr(node, "references", ())]
        )
        return any(address not in self.present for address in above)

    def _source(self, node: SourceNode, planned: PlanNode) -> None:
        memory = self.project.memory
        if node.path is not None:
            assert planned.taken is not None
            pixels = memory.source_pixels(node.path)
            self.entries[node.address] = SourceEntry(digest=planned.taken, pixels=pixels)
            return
        assert node.url is not None
        digest = Digest.of(node.url.partition("?")[0].encode())  # a query changes the address, not the picture
        memory.store.add(digest)
        memory.downloads[node.url] = digest
        self.present[node.address] = (str(digest), digest)
        self.entries[node.address] = SourceEntry(digest=digest, pixels=digest, url=node.url)

    def _derived(self, node: DerivedNode, planned: PlanNode) -> None:
        if planned.state is State.CACHED and not planned.writes:
            return
        memory = self.project.memory
        fonts = {step.font: memory.font_digest(step.font) for step in node.steps if isinstance(step, Text)}
        document = recipe_document(node, [self.present[address][0] for address in node.inputs], fonts)
        recipe = digest_of(document)
        memory.recipes_asked[recipe] = document
        assert planned.key in (None, recipe), "the plan named another recipe"
        picture = memory.recipes.setdefault(recipe, Digest.of(recipe.hex.encode()))
        memory.store.add(picture)
        self.present[node.address] = (recipe_identity(recipe), picture)
        self.entries[node.address] = DerivedEntry(recipe=recipe, take=picture)
        self._put(planned, picture)

    def _image(self, node: ImageNode | FrameNode, planned: PlanNode) -> None:
        memory = self.project.memory
        if isinstance(node, ImageNode):
            node = node.wearing(planned.look)
        asked = self.resolver.asked(node)
        if planned.state in (State.PINNED, State.STALE) or (planned.state is State.CACHED and not planned.writes):
            if planned.writes and planned.taken is not None:
                self._put(planned, planned.taken)
            return
        if planned.state is State.FETCH and planned.key is None and planned.taken is not None:
            memory.store.add(planned.taken)  # used as it is, whatever its words say now
            return
        identities = self._identities(node)
        whole = worn(self.graph[node.address], planned.look)
        document = request_document(asked, identities)
        key = digest_of(document)
        assert planned.key in (None, key), "the plan named another key"
        entry = self.project.lock.image(node.address)
        if planned.state is State.FETCH and planned.taken is not None:
            memory.store.add(planned.taken)
        if memory.paid_for.pop(key, None) is not None:  # a build fetches it before it plans
            memory.pool.setdefault(key, []).append(Digest.of(f"{key} fetched".encode()))
            memory.store.add(memory.pool[key][-1])
        look = node.look if isinstance(node, ImageNode) else None
        price = _price(planned, look)
        have = self._bought(key, planned.of_look(look), node.takes, price)
        memory.texts[key] = {name: document[name] for name in TEXTS if name in document}
        kept = entry if entry is not None and entry.want == key else None
        take = kept.take if kept else have[0]
        self.present[node.address] = (str(take), take)
        self.entries[node.address] = ImageEntry(
            want=key,
            own=own_of(whole, self.graph, self.resolver, lambda address: self.present[address][0]),
            take=take,
            level=kept.level if kept else Level.AUTO,
            made=Made(request=key, model=asked.model, provider="apiyi", size=asked.size, at="2026-11-23T21:04:05Z"),
            asked=remembered_document(document),
            takes=tuple(dict.fromkeys([*(entry.takes_for(key) if entry else ()), *have])),
            also=self._other_looks(node, planned, key, entry),
            look=look,
        )
        self._put(planned, take)

    def _bought(
        self, key: Digest, pictures: int, takes: int, price: int, listed: Sequence[Digest] = ()
    ) -> list[Digest]:
        memory = self.project.memory
        have = list(dict.fromkeys([*memory.takes(key), *listed]))
        for ordinal in range(len(have) + 1, min(len(have) + pictures, takes) + 1):
            have.append(Digest.of(f"{key} {ordinal} {self.project.bought}".encode()))
            memory.store.add(have[-1])
            memory.pool.setdefault(key, []).append(have[-1])
            self.project.bought += 1
            self.project.spent += price
        return have

    def _other_looks(
        self, node: ImageNode | FrameNode, planned: PlanNode, key: Digest, entry: ImageEntry | None
    ) -> dict[Digest, tuple[Digest, ...]]:
        """Takes of other wants: those that the line had, and those of the other looks. No more beside a person's choice."""
        also = dict(entry.also_beside(key)) if entry is not None else {}
        if not isinstance(node, ImageNode) or not node.looks:
            return also
        if entry is not None and entry.want != key:
            also[entry.want] = entry.takes_for(entry.want)
        chosen = entry is not None and entry.want == key and entry.level is not Level.AUTO
        keys = {look.name: look.key for look in planned.looks}
        for other in node.others:
            if any(reference.address not in self.present for reference in other.references):
                continue
            want = digest_of(request_document(self.resolver.asked(other), self._identities(other)))
            assert keys.get(other.look or "") in (None, want), "the plan named another key for a look"
            pictures = 0 if chosen else planned.of_look(other.look)
            takes = self._bought(want, pictures, other.takes, _price(planned, other.look), also.get(want, ()))
            if takes and want != key:
                also[want] = tuple(dict.fromkeys([*also.get(want, ()), *takes]))
        return also

    def _identities(self, node: ImageNode | FrameNode) -> list[str]:
        return [self.present[reference.address][0] for reference in node.references]

    def _put(self, planned: PlanNode, picture: Digest) -> None:
        assert planned.output is not None
        self.project.memory.put(planned.output, picture)


def _price(planned: PlanNode, look: str | None) -> int:
    """Of one picture, in millionths."""
    found = next((one for one in planned.looks if one.name == look), planned)
    return found.cost.high.micros // max(1, found.pictures)
