"""`seedpipe schema`: a JSON Schema of what seedpipe reads."""

import click

from seedpipe.commands.invocation import Invocation, pass_invocation
from seedpipe.limits import ExitCode
from seedpipe.manifest.model import manifest_schema


@click.command("schema")
@click.argument("name", type=click.Choice(["manifest"]), default="manifest")
@pass_invocation
def command(invocation: Invocation, name: str) -> int:  # noqa: ARG001 - more schemas come with later verbs
    """Print the JSON Schema that editors use for `seedpipe.yaml`.

    \b
    Example:
      seedpipe schema > seedpipe.schema.json
      # first line of seedpipe.yaml:  # yaml-language-server: $schema=seedpipe.schema.json
    """
    invocation.console.data(manifest_schema())
    return ExitCode.DONE
