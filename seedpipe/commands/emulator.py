"""`seedpipe emulator`: the service, here, for people's own tests."""

from pathlib import Path

import click

from seedpipe.commands.invocation import Invocation, gathered, option, pass_invocation
from seedpipe.emulator.server import run
from seedpipe.emulator.settings import Settings
from seedpipe.limits import ExitCode

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("emulator")
@option("--port", type=click.IntRange(0, 65535), default=0, help="0: any free one. [default: 0]")
@option("--port-file", type=_FILE, metavar="FILE", help="Gets the port once connections are accepted.")
@option("--state", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Keeps ledger and pictures.")
@option("--key", metavar="KEY", help="Accept this key only. [default: any that is not empty]")
@option("--latency", type=click.FloatRange(0, 100), default=1.0, help="1 is true to life, 0 instant. [default: 1]")
@option("--ipm", type=click.IntRange(1), default=500, help="Images per minute, per key and model. [default: 500]")
@option(
    "--minute", type=click.FloatRange(0.01, 3600), default=60.0, help="Seconds in the limit's minute. [default: 60]"
)
@option("--inflight", type=click.IntRange(1), help="Requests worked on at once; more are refused.")
@option("--url-life", type=click.IntRange(1), default=86_400, help="Seconds a result URL lives. [default: 86400]")
@option("--scenario", type=_FILE, metavar="FILE", help="Faults to make, as YAML.")
@option("--endpoint-model", default="seedream-4-5-251128", help="The model behind `ep-…` ids.")
@option("--provider", metavar="NAME", help="Whose rules come first where providers differ. [default: the address' own]")
@option("--catalogue", type=_FILE, multiple=True, metavar="FILE", help="A user catalogue laid over the shipped one.")
@option(
    "--time-out-references",
    is_flag=True,
    help="References on other machines time out. [default: a stand-in is drawn, nothing is fetched]",
)
@option("--strict", is_flag=True, help="Refuse what the service ignores: `n`, a seed on 4.x, a misspelt field.")
@option("--plain", is_flag=True, help="Flat pictures, drawn in no time: for tests that don't look at them.")
@option("--seed", type=int, metavar="N", help="The same requests give the same pictures. [default: never twice]")
@option("--workers", type=click.IntRange(1, 64), help="Threads that draw. [default: processors, 4 at most]")
@option("--exit-with-stdin", is_flag=True, help="Stop when standard input closes.")
@gathered("settings", Settings)
@pass_invocation
def command(invocation: Invocation, settings: Settings) -> int:
    """Run a local service of the protocol.

    It speaks the protocol under /v1, /api/v3 and /api/plan/v3 on 127.0.0.1, draws real pictures that say PROOF, and
    bills nobody. The official SDKs work with it unchanged; how, it says when it is ready. Its own end points:
    /_emulator, /_emulator/ledger (what would have been billed), /_emulator/scenario (PUT faults while it runs),
    /_emulator/openapi.json. A prompt with the words `emulator:moderate-output` (or any other fault) asks for it.

    For tests: --port 0 with --port-file, --latency 0, --plain, --seed 1 and --scenario; it stops in order at Ctrl-C, SIGTERM, or
    with --exit-with-stdin when the test that started it is gone. docs/emulator.md has every fault with an example.

    \b
    Example:
      seedpipe emulator --port 8787 --latency 0.1
      export OPENAI_BASE_URL=http://127.0.0.1:8787/v1 OPENAI_API_KEY=x
      python your_app.py
      export SEEDPIPE_BASE_URL=http://127.0.0.1:8787/v1 SEEDPIPE_API_KEY=x
      seedpipe build --yes --max-cost 5
    """
    key = "YOUR_KEY" if settings.key else "proof"
    requests, billed = run(settings, on_ready=lambda origin: invocation.console.note(_welcome(origin, key)))
    pictures = "1 picture" if billed == 1 else f"{billed} pictures"
    asked = "1 request" if requests == 1 else f"{requests} requests"
    invocation.console.note(f"stopped after {asked}; {pictures} would have been billed")
    return ExitCode.DONE


def _welcome(origin: str, key: str) -> str:
    """How to use it, to be copied. The gateway's address is the one for the openai SDK."""
    return f"""\
the emulator listens at {origin}; stop it with Ctrl-C

  # openai's SDK, and whatever speaks like it
  export OPENAI_BASE_URL={origin}/v1 OPENAI_API_KEY={key}
  client = OpenAI(base_url="{origin}/v1", api_key="{key}")

  # Volcengine's and BytePlus' SDKs
  client = Ark(base_url="{origin}/api/v3", api_key="{key}")

  # seedpipe
  export SEEDPIPE_BASE_URL={origin}/v1 SEEDPIPE_API_KEY={key}

what was asked, and would be billed: {origin}/_emulator/ledger"""
