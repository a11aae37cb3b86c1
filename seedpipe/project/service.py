"""The service of a project: its dialect, a free look at it, and the embedded emulator that stands in for proofs."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from seedpipe.catalogue.provider import Provider
from seedpipe.emulator.embedded import EmbeddedEmulator
from seedpipe.emulator.models import address_of
from seedpipe.project.project import Project
from seedpipe.project.trust import Endpoint
from seedpipe.service.client import Probe, ServiceClient
from seedpipe.service.refusals import Dialect
from seedpipe.state.files import write_atomically

PROOF_LATENCY = 0.03  # of true life: a proof is to be watched, not waited for


def dialect_of(provider: Provider) -> Dialect:
    """How the provider's errors differ, as the catalogue has it."""
    return Dialect(unbilled=provider.unbilled_errors, blocked_statuses=provider.blocked_statuses)


@contextlib.contextmanager
def proof_service(project: Project) -> Iterator[Endpoint]:
    """The embedded emulator, for as long as a proof takes."""
    folder = project.folder / "emulator"
    folder.mkdir(parents=True, exist_ok=True)
    provider = project.catalogue.provider(project.provider)
    catalogue = [*project.settings.catalogue_files, *_own_endpoints(project, folder)]
    emulated = EmbeddedEmulator(folder, latency=PROOF_LATENCY, catalogue=tuple(catalogue), provider=provider.id)
    with emulated as emulator:
        yield Endpoint(provider=provider.id, base_url=emulator.address(address_of(provider)), key=emulator.key)


def _own_endpoints(project: Project, folder: Path) -> Iterator[Path]:
    """What the manifest says of inference endpoints, as a catalogue file for the emulator."""
    written = project.manifest.provider
    if written is not None and written.endpoints:
        endpoints = {model: endpoint for model, endpoint, _ in written.endpoints}
        file = folder / "endpoints.yaml"
        write_atomically(file, json.dumps({"providers": {project.provider: {"endpoints": endpoints}}}).encode())
        yield file


def probe(endpoint: Endpoint) -> Probe:
    """A free look at the service."""

    async def look() -> Probe:
        async with ServiceClient(endpoint.base_url, endpoint.key) as client:
            return await client.probe()

    return asyncio.run(look())
