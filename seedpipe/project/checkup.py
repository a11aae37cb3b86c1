"""What `doctor` looks at, one `Check` each: the folders, the manifest, the journal, and with the free probe the service.

Nothing here is ever billed: the service is asked for its list of models and for pictures of one pixel, which it refuses.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.provider import Provider
from seedpipe.errors import SeedpipeError
from seedpipe.project.service import dialect_of
from seedpipe.project.trust import Endpoint
from seedpipe.service.client import Probe, ServiceClient
from seedpipe.service.probe import PROBE_SECONDS, Stand, Standing

_AT_ONCE = 8  # probes under way
_KEY_TAKEN = (Stand.SERVED, Stand.NOT_SERVED, Stand.CLOSED)


class Finding(StrEnum):
    OK = "ok"
    WARNING = "warning"  # something to know; nothing stands in the way
    FAULT = "fault"
    SKIPPED = "skipped"  # not looked at, because of a fault before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. `subject` is which of several: a model, a provider."""

    name: str
    finding: Finding
    message: str
    subject: str | None = None
    hint: str | None = None
    request_id: str | None = None


def check(name: str, look: Callable[[], str]) -> Check:
    """What `look` says, or the error that it raises."""
    try:
        return Check(name=name, finding=Finding.OK, message=look())
    except SeedpipeError as error:
        return Check(name=name, finding=Finding.FAULT, message=error.message, hint=error.hint)


def check_service(
    endpoint: Endpoint, models: Sequence[str], catalogue: Catalogue, *, seconds: float = PROBE_SECONDS
) -> Sequence[Check]:
    """Address, key, and each model by its dated id. Raises nothing for what network and service do."""
    return asyncio.run(_check_service(endpoint, models, catalogue, seconds))


async def _check_service(
    endpoint: Endpoint, models: Sequence[str], catalogue: Catalogue, seconds: float
) -> Sequence[Check]:
    provider = catalogue.provider(endpoint.provider)
    try:
        client = ServiceClient(endpoint.base_url, endpoint.key, dialect=dialect_of(provider))
    except SeedpipeError as error:
        return [_fault("service", error.message, error.hint)]
    async with client:
        began = time.monotonic()
        probe = await client.probe(timeout=seconds)
        trouble = _address(endpoint, probe, provider)
        if trouble is not None:
            return [trouble, *(_skipped(model) for model in models)]
        took = time.monotonic() - began
        wire_ids = [catalogue.wire_id(model, provider.id) for model in models]
        standings = await _ask(client, wire_ids, seconds)
    kind = "the emulator" if probe.is_emulator else provider.title
    answered = Check(
        name="service", finding=Finding.OK, message=f"{kind} at {endpoint.base_url}, answers in {took:.1f} s"
    )
    return [*_in_general(answered, endpoint, probe, provider, standings), *_of_models(models, wire_ids, standings)]


async def _ask(client: ServiceClient, wire_ids: Sequence[str], seconds: float) -> Sequence[Standing]:
    """The first alone: what stands in every model's way is met once. Then all others."""
    if not wire_ids:
        return []
    first = await client.probe_model(wire_ids[0], timeout=seconds)
    if not first.stand.is_of_the_model:
        return [first]
    slots = asyncio.Semaphore(_AT_ONCE)

    async def ask(wire_id: str) -> Standing:
        async with slots:
            return await client.probe_model(wire_id, timeout=seconds)

    return [first, *await asyncio.gather(*map(ask, wire_ids[1:]))]


def _address(endpoint: Endpoint, probe: Probe, provider: Provider) -> Check | None:
    """What already the list of models tells: nobody there, or a key that is refused."""
    refusal = probe.refusal
    if not probe.reachable:
        hint = (refusal and refusal.hint) or "check the base URL and the network; `HTTPS_PROXY` if there is a proxy"
        return _fault("service", f"{endpoint.base_url}: {probe.message}", hint)
    if probe.key_works is False:
        return _key_fault(endpoint, provider, probe.message, refusal.request_id if refusal else None)
    return None


def _in_general(
    answered: Check, endpoint: Endpoint, probe: Probe, provider: Provider, standings: Sequence[Standing]
) -> Sequence[Check]:
    """Address and key, by all that was asked."""
    first = standings[0] if standings else None
    if first is not None and not first.stand.is_of_the_model:
        if first.stand is Stand.KEY:
            return [answered, _key_fault(endpoint, provider, first.message, first.request_id)]
        name = "account" if first.stand is Stand.ACCOUNT else "service"
        fault = _fault(name, f"{endpoint.base_url}: {first.message}", first.hint, first.request_id)
        return [fault] if name == "service" else [answered, fault]
    # A key is looked at before the model is: whoever speaks of the model has taken it.
    known = probe.key_works or any(standing.stand in _KEY_TAKEN for standing in standings)
    key = Check(name="key", finding=Finding.OK, message=f"from {endpoint.key_from}, accepted")
    if not known:
        message = f"from {endpoint.key_from}; nothing has told yet whether it is good"
        key = Check(name="key", finding=Finding.WARNING, message=message)
    return [answered, key]


def _key_fault(endpoint: Endpoint, provider: Provider, words: str, request_id: str | None) -> Check:
    stored = "login" in endpoint.key_from
    place = provider.id if provider.owns(endpoint.base_url) else f"--host {endpoint.host}"
    hint = f"`seedpipe login {place}` stores another" if stored else f"put another into {endpoint.key_from}"
    if provider.owns(endpoint.base_url) and provider.key_hint is not None:
        hint += f"; {provider.key_hint}"
    message = f"{endpoint.host} refuses the one from {endpoint.key_from}: {words}"
    return _fault("key", message, hint, request_id)


def _of_models(models: Sequence[str], wire_ids: Sequence[str], standings: Sequence[Standing]) -> Sequence[Check]:
    if standings and not standings[0].stand.is_of_the_model:
        return [_skipped(model) for model in models]
    return [
        _of_model(model, wire_id, standing)
        for model, wire_id, standing in zip(models, wire_ids, standings, strict=True)
    ]


def _of_model(model: str, wire_id: str, standing: Standing) -> Check:
    called = "" if wire_id == model else f", as {wire_id}"
    if standing.stand is Stand.SERVED:
        return Check(name="model", subject=model, finding=Finding.OK, message=f"served{called}")
    busy = standing.stand is Stand.BUSY
    return Check(
        name="model",
        subject=model,
        finding=Finding.WARNING if busy else Finding.FAULT,
        message=f"{'could not be told' if busy else standing.stand.value}{called}: {standing.message}",
        hint=standing.hint,
        request_id=standing.request_id,
    )


def _skipped(model: str) -> Check:
    return Check(name="model", subject=model, finding=Finding.SKIPPED, message="not asked")


def _fault(name: str, message: str, hint: str | None = None, request_id: str | None = None) -> Check:
    return Check(name=name, finding=Finding.FAULT, message=message, hint=hint, request_id=request_id)
