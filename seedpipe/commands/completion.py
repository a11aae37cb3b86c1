"""`seedpipe completion`: the completion script of a shell."""

import click
from click.shell_completion import get_completion_class

from seedpipe.commands.invocation import COMPLETION_VARIABLE, Invocation
from seedpipe.limits import ExitCode


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print the script that completes verbs and flags in your shell: bash, zsh or fish.

    \b
    Example:
      mkdir -p ~/.local/share/bash-completion/completions
      cd ~/.local/share/bash-completion/completions
      seedpipe completion bash > seedpipe
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    ctx.ensure_object(Invocation).console.out(
        found(ctx.find_root().command, {}, "seedpipe", COMPLETION_VARIABLE).source()
    )
    return ExitCode.DONE
