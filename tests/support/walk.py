"""docs/walk.md as a session: its commands are run, and what they print is what the page shows.

    python -m tests.support.walk      writes the outputs of a fresh run into the page

In a block marked `console` a line that begins with `$ ` is a command; what follows is its output, errors included. The
service is an emulator that doesn't say so, so all of it is live: real prices, the committed lock.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.relay import gateway
from tests.support.workspace import REPOSITORY, service

PAGE = REPOSITORY / "docs/walk.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STAND_IN = re.compile(r"at(\s+)127\.0\.0\.1:\d+ \(like (\w+)\)")
# What differs from one run to the next: digests, ids of decisions, times, and how long it took.
_UNSTEADY = (
    (re.compile(r"\b[0-9a-f]{12}\b"), "0" * 12),
    (re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?"), "2026-01-01 00:00"),
    (re.compile(r"(?<=00:00  )[0-9a-z]{8}\b"), "x" * 8),
    (re.compile(r"\bin \d+(\.\d+)? (s|min)\b"), "in 1 s"),
    (re.compile(r"^ *(about [\d.]+ (s|min)|a few seconds): .*$", re.MULTILINE), "about 1 s"),
    (re.compile(r"^ +this month .*(\n {10,}.*)*$", re.MULTILINE), "this month"),
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command of the page, and what the page says that it prints."""

    command: str
    output: str


def steps(text: str) -> Iterator[Step]:
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Step(command=command, output=output)


def steady(output: str) -> str:
    """An output without what differs from run to run."""
    for pattern, instead in _UNSTEADY:
        output = pattern.sub(instead, output)
    return "\n".join(line.rstrip() for line in output.strip().splitlines())


def run(folder: Path, environ: Mapping[str, str], command: str) -> str:
    """In a shell, as a person would type it."""
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return ran.stdout


def as_at_the_provider(output: str) -> str:
    """The walk's stand-in listens on a port of this machine, which a plan names: the page is of the provider itself."""
    return _STAND_IN.sub(r"at\1\2", output)


def outputs(folder: Path, text: str) -> Iterator[tuple[Step, str]]:
    """Every command of a page, run one after the other in `folder`, with what it printed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SEEDPIPE_", "CI", "GIT_"))}
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text("[user]\nname = Mika\nemail = mika@example.com\n[init]\ndefaultBranch = main\n")
    with service(folder / "service") as emulator, gateway(emulator.base_url) as live:
        environ |= {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "COLUMNS": "80",
            "SEEDPIPE_HOME": str(home / "seedpipe"),
            "SEEDPIPE_BASE_URL": live.base_url,
            "SEEDPIPE_API_KEY": "key-of-the-walk-0123456789",
            "SEEDPIPE_MAX_COST": "2",
        }
        place = folder / "walk"
        place.mkdir()
        for step in steps(text):
            if step.command.startswith("cd "):
                place = (place / step.command.removeprefix("cd ").strip()).resolve()
                yield step, ""
            else:
                yield step, as_at_the_provider(run(place, environ, step.command))


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        found = [printed for _, printed in outputs(Path(folder), text)]

    def written(match: re.Match[str]) -> str:
        lines = []
        for step in steps(match[0]):
            printed = "\n".join(line.rstrip() for line in found.pop(0).strip("\n").splitlines())
            lines.append(f"$ {step.command}" + (f"\n{printed}" if printed else ""))
        return "```console\n" + "\n".join(lines) + "\n```"

    PAGE.write_text(_BLOCK.sub(written, text), encoding="utf-8")


if __name__ == "__main__":
    main()
