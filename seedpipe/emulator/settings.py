"""Everything one can set on an emulator."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`port` 0: the one used last with this `state`, else any free one. Times in seconds."""

    port: int = 0
    port_file: Path | None = None  # gets the port, as text, when connections are accepted
    state: Path | None = None  # ledger and pictures; None: a folder that goes with the process
    key: str | None = None  # the one key to accept; None: any that is not empty
    latency: float = 1.0  # 1 is true to life, 0 instant
    ipm: int = 500  # images per minute, per key and model
    minute: float = 60.0  # the limiter's minute, shorter in tests
    inflight: int | None = None  # requests being worked on at once; more get a 429
    url_life: int = 86_400  # of result addresses
    time_out_references: bool = False  # those elsewhere; else each gets a stand-in
    strict: bool = False  # refuse the fields that the service ignores
    seed: int | None = None  # the same requests, each in its own order, give the same pictures; None: never twice
    plain: bool = False  # pictures of two flat colours, drawn in no time
    scenario: Path | None = None  # faults, as YAML
    endpoint_model: str = "seedream-4-5-251128"  # what stands behind `ep-…`
    provider: str | None = None  # whose rules come first where providers differ; None: each address' own
    catalogue: tuple[Path, ...] = ()  # user files laid over the shipped one
    exit_with_stdin: bool = False
    workers: int | None = None  # threads that draw; None: one per processor, at most 4
