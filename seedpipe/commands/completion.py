"""`seedpipe completion`: the completion script of a shell."""

import click

from seedpipe.commands.invocation import COMPLETION_VARIABLE, Invocation
from seedpipe.commands.shells import script_class
from seedpipe.limits import ExitCode


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print the script that completes verbs, flags and pictures in your shell: bash, zsh or fish.

    \b
    Example:
      mkdir -p ~/.local/share/bash-completion/completions
      cd ~/.local/share/bash-completion/completions
      seedpipe completion bash > seedpipe
    """
    ctx.ensure_object(Invocation).console.out(
        script_class(shell)(ctx.find_root().command, {}, "seedpipe", COMPLETION_VARIABLE).source()
    )
    return ExitCode.DONE
