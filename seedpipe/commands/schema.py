"""`seedpipe schema`: a JSON Schema of what seedpipe reads or writes."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import click

from seedpipe.commands.invocation import Invocation, pass_invocation
from seedpipe.events import events_schema
from seedpipe.limits import ExitCode
from seedpipe.manifest.model import manifest_schema
from seedpipe.review.answers import ANSWERS

SCHEMAS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "manifest": manifest_schema,
    "events": events_schema,
    **ANSWERS,
}


@click.command("schema")
@click.argument("name", type=click.Choice(list(SCHEMAS)), default="manifest", metavar="NAME")
@pass_invocation
def command(invocation: Invocation, name: str) -> int:
    """Print the JSON Schema that editors use for `seedpipe.yaml`, or that of what a verb says with `--json`.

    NAME is `manifest` (the default), the verb, or one of: `decided` (what `pick`, `approve`, `undo` and the like
    say), `lock-merge`, `lock-prune`, `migration` (`models --migrate`), `reconcile`; `events` is a line
    of `build --events FILE`. A saved plan is a `plan`. An answer's first
    key says what it is and in which format, `"seedpipe_plan": 1`.

    \b
    Example:
      seedpipe schema > seedpipe.schema.json
      # first line of seedpipe.yaml:
      #   # yaml-language-server: $schema=seedpipe.schema.json
      seedpipe schema plan > plan.schema.json
    """
    invocation.console.data(SCHEMAS[name]())
    return ExitCode.DONE
