"""Pictures that people bring: a file adopted as the choice, an edited output kept before it is written over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seedpipe.errors import DecisionError, UsageError, why
from seedpipe.images.probe import PictureInfo, probe_picture
from seedpipe.limits import MAX_PICTURE_BYTES
from seedpipe.manifest.node import FrameNode, ImageNode
from seedpipe.names import Digest
from seedpipe.plan.choices import Candidate, adopted_by
from seedpipe.plan.following import Outcome
from seedpipe.plan.plan import PlanNode, State
from seedpipe.project.deciding import Change, Desk
from seedpipe.project.who import who_decides
from seedpipe.source import ReadRefusedError
from seedpipe.state.decisions import Verb
from seedpipe.state.lock import DerivedEntry, ImageEntry, SourceEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A picture whose bytes are in the store, not yet chosen."""

    candidate: Candidate
    info: PictureInfo

    def remarks(self, desk: Desk, address: str) -> list[str]:
        """That its size is another one than was asked for is worth a line."""
        node, resolver = desk.project.graph[address], desk.project.resolver()
        if not isinstance(node, ImageNode | FrameNode):
            return []
        entry = desk.entry(address)
        if isinstance(node, ImageNode) and entry is not None:
            node = node.wearing(entry.look)
        rule = resolver.size_rule(node, resolver.asked(node))
        came = (self.info.width, self.info.height)
        if not rule.differs(came):
            return []
        fit = rule.fit(came)
        cut = f"; its file is cut to {fit}" if fit is not None else ""
        return [f"it has {came[0]}x{came[1]} pixels, {rule.asked.text} is asked for{cut}"]


def bring_file(desk: Desk, file: Path) -> Brought:
    """Raises `UsageError` for a file that isn't there and `NotAPictureError` for one that is no whole picture."""
    try:
        if file.stat().st_size > MAX_PICTURE_BYTES:
            raise UsageError(
                f"`{file}` has {file.stat().st_size:,} bytes; at most {MAX_PICTURE_BYTES:,} are taken",
                hint="save it smaller, as JPEG, WebP or PNG",
            )
        data = file.read_bytes()
    except FileNotFoundError:
        raise UsageError(
            f"there is no file `{file}`",
            hint="name a picture; without a file, the one where its output belongs is meant",
        ) from None
    except OSError as error:
        raise UsageError(f"`{file}` can't be read: {why(error)}", hint="name a picture that you may read") from error
    return _brought(desk, data, str(file))


def bring_output(desk: Desk, address: str) -> Brought:
    """What lies where the node's picture belongs. Raises `DecisionError` if that is nothing of a person's."""
    path = desk.project.outputs[address]
    entry, present = desk.entry(address), desk.memory.outputs.digest(path)
    if present is None:
        raise DecisionError(f"there is no file `{path}`", hint=f"name one: `seedpipe adopt {address} FILE`")
    if entry is not None and entry.is_in(present):
        raise DecisionError(f"`{path}` is the chosen picture as it is", hint=f"`seedpipe approve {address}`")
    return _brought(desk, _file_at(desk, path), path)


def _brought(desk: Desk, data: bytes, name: str) -> Brought:
    info = probe_picture(data, name=name)
    digest = desk.store().keep(data)
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    made = adopted_by(who_decides(desk.project.root), digest, size=f"{info.width}x{info.height}", at=at)
    return Brought(candidate=Candidate(digest=digest, made=made), info=info)


def _file_at(desk: Desk, path: str) -> bytes:
    try:
        return desk.memory.outputs.file(path).read_bytes()
    except (OSError, ReadRefusedError) as error:
        raise DecisionError(
            f"`{path}` can't be read: {why(error)}",
            hint="name the picture where it lies: `seedpipe adopt NODE FILE`",
        ) from error


def restore(desk: Desk, addresses: Sequence[str], *, note: str | None) -> tuple[Outcome, Sequence[str]]:
    """Keeps what a person has put at the outputs, so that the chosen pictures may be written over it.

    What is overwritten is named in the sentences beside the outcome. Raises `DecisionError` for a single address that
    has no picture to write.
    """
    plan = desk.plan(addresses)
    changes, unchanged, absent, refused, said = [], [], [], [], []
    for planned in (plan.nodes[address] for address in addresses):
        error = _nothing_to_write(desk, planned)
        if error is not None:
            if len(addresses) == 1:
                raise error
            refused.append((planned.address, error))
        elif planned.state is State.EDITED:
            file = desk.store().keep(_file_at(desk, planned.output or ""))
            entry = desk.project.lock.entries.get(planned.address)
            # what is made here has no takes to pick from
            kept = f"as {file.short}" if isinstance(entry, ImageEntry) else f"in {desk.store().path(file)}"
            said.append(f"the file that lay at {planned.output} is kept {kept}")
            take = None if entry is None or isinstance(entry, SourceEntry) else entry.take
            changes.append(Change(name=planned.address, before=entry, after=entry, take=take, file=file))
        elif _holds_something_else(desk, planned):
            absent.append(planned.address)
        else:
            unchanged.append(planned.address)
    decisions = desk.record(Verb.RESTORE, changes, note=note) if changes else ()
    outcome = Outcome(
        verb=Verb.RESTORE, decisions=decisions, unchanged=unchanged, refused=refused, put_right=absent, plan=plan
    )
    return outcome, said


def _holds_something_else(desk: Desk, planned: PlanNode) -> bool:
    """Whether the file is not what the lock says, or by the plan is to be written for nothing."""
    entry = desk.entry(planned.address)
    if entry is None or planned.output is None or not planned.state.buys:
        return planned.writes and not planned.state.buys
    return not entry.is_in(desk.memory.outputs.digest(planned.output))


def _nothing_to_write(desk: Desk, planned: PlanNode) -> DecisionError | None:
    entry = desk.project.lock.entries.get(planned.address)
    if not isinstance(entry, ImageEntry | DerivedEntry):
        hint = f"`seedpipe build {planned.address}` makes one"
        return DecisionError(f"`{planned.address}` has no picture yet", hint=hint)
    if isinstance(entry, ImageEntry) and not desk.is_at_hand(entry.take, planned.address):
        file = None if planned.output is None else desk.memory.outputs.digest(planned.output)
        return None if entry.is_in(file) else _missing(planned.address, entry.take)
    return None


def _missing(address: str, take: Digest) -> DecisionError:
    return DecisionError(
        f"the chosen picture {take.short} of `{address}` is not on this machine, so nothing was written",
        hint="bring the data folder of the machine where it was bought; or `seedpipe adopt` the file that lies there",
    )
