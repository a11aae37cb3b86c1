"""`seedpipe schema`: a JSON Schema of what seedpipe reads or writes."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import click

from seedpipe.commands.invocation import Invocation, pass_invocation
from seedpipe.limits import ExitCode
from seedpipe.manifest.model import manifest_schema
from seedpipe.plan.schema import plan_schema

SCHEMAS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {"manifest": manifest_schema, "plan": plan_schema}


@click.command("schema")
@click.argument("name", type=click.Choice(list(SCHEMAS)), default="manifest")
@pass_invocation
def command(invocation: Invocation, name: str) -> int:
    """Print the JSON Schema that editors use for `seedpipe.yaml`, or that of a plan.

    \b
    Example:
      seedpipe schema > seedpipe.schema.json
      # first line of seedpipe.yaml:  # yaml-language-server: $schema=seedpipe.schema.json
      seedpipe schema plan > plan.schema.json
    """
    invocation.console.data(SCHEMAS[name]())
    return ExitCode.DONE
