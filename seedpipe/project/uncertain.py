"""Which requests of uncertain charge a person means: by their pictures, also those that left the manifest, or by an id."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seedpipe.errors import UsageError
from seedpipe.plan.graph import Graph
from seedpipe.plan.select import glob_pattern, select
from seedpipe.state.held import Held
from seedpipe.state.requests import Request

_SHORTEST_ID = 6  # characters of an id that are taken for one


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """`targets` as in every verb; `ids` are the journal's, the service's or ours, or their beginnings. Neither: all."""

    graph: Graph
    targets: Sequence[str] = ()
    ids: Sequence[str] = ()


def named_held(held: Sequence[Held], named: Named) -> Sequence[Held]:
    """Raises `UsageError` for a target that names no picture, held or in the manifest, and for an unknown id."""
    means = _means([one.request for one in held], named)
    return [one for one in held if means(one.request)]


def named_requests(requests: Sequence[Request], named: Named) -> Sequence[Request]:
    """The same of any requests."""
    means = _means(requests, named)
    return [request for request in requests if means(request)]


def _means(requests: Sequence[Request], named: Named) -> Callable[[Request], bool]:
    wanted: set[str] = set()
    for target in named.targets:
        wanted |= _addresses(requests, named.graph, target)
    for id_ in named.ids:
        _check_id(requests, id_)

    def means(request: Request) -> bool:
        by_target = not named.targets or not wanted.isdisjoint([request.address, *request.addresses])
        return by_target and (not named.ids or any(_has_id(request, id_) for id_ in named.ids))

    return means


def _addresses(requests: Sequence[Request], graph: Graph, target: str) -> set[str]:
    """What the manifest calls so, and what was sent under such a name and is in no manifest any more."""
    known = {name for request in requests for name in (request.address, *request.addresses)}
    try:
        found = set(select(graph, [target]).nodes)
    except UsageError:
        found = set()
        matches = re.compile(glob_pattern(target)).fullmatch if set("*?[") & set(target) else target.__eq__
        found = {name for name in known if matches(name) or name.startswith((f"{target}/", f"{target}#"))}
        if not found:
            raise
    return found


def _check_id(requests: Sequence[Request], id_: str) -> None:
    if len(id_) < _SHORTEST_ID:
        raise UsageError(
            f"`--request {id_}` is too short",
            hint=f"give {_SHORTEST_ID} characters of an id at least; `seedpipe resolve` shows them",
        )
    found = [request for request in requests if _has_id(request, id_)]
    if not found:
        raise UsageError(
            f"no request here has the id `{id_}`", hint="`seedpipe resolve` lists those of uncertain charge"
        )
    if len(found) > 1:
        raise UsageError(f"`--request {id_}` begins the ids of {len(found)} requests", hint="give more of it")


def _has_id(request: Request, id_: str) -> bool:
    ids = (request.id, request.id.removeprefix("req-"), request.client_request_id, request.request_id or "")
    return any(one.startswith(id_) for one in ids)
