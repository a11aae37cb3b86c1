"""The command line: parse, then call. `main(argv)` returns the exit code; only here errors become words."""

import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from seedpipe import __version__
from seedpipe.commands.invocation import COMPLETION_VARIABLE, Invocation, VerbGroup, option
from seedpipe.console import Console, render_error
from seedpipe.errors import DISK_HINT, SeedpipeError, StateError, why
from seedpipe.limits import ExitCode
from seedpipe.review.command_flags import with_flags
from seedpipe.state.memo import Answer, Heard, Memo

_NOT_OURS: Final = frozenset(  # what a disk or its owner says
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.EIO,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
        errno.ELOOP,
        errno.EMFILE,
        errno.ENFILE,
    }
)

# The verbs in the order a person meets them. The help stands here so that `--help` imports none of them.
VERBS: Final = {
    "init": "Make a project that builds.",
    "login": "Store the key of a provider for its own hosts.",
    "check": "Validate and lint the manifest; spends nothing.",
    "plan": "Say what a build would make, why, and what it would cost.",
    "build": "Make what the plan says; skip what is unchanged.",
    "status": "Say what is there and what is not.",
    "explain": "Say why a picture is what it is, down to the words.",
    "takes": "List the takes of a picture, also for earlier words.",
    "reroll": "Buy more takes to choose from.",
    "pick": "Choose another take.",
    "approve": "Say that pictures are right.",
    "pin": "Keep pictures whatever changes.",
    "unpin": "Take the pin away.",
    "keep": "Say that a picture is right for its new words.",
    "adopt": "Make a file of yours the picture.",
    "restore": "Write the chosen picture over an edited file.",
    "note": "Write a note on a picture.",
    "mv": "Move choices after a rename in the manifest.",
    "promote": "Take the choices of a profile over.",
    "upgrade": "Have the catalogue decide again what the lock remembers.",
    "undo": "Take a decision back.",
    "diff": "Say what changed since a git revision: words, pictures, cost.",
    "graph": "Show how the pictures hang together.",
    "lock": "Merge the lock of two branches; prune what has left the manifest.",
    "spend": "Say what was spent, on what, and compare it with a bill.",
    "resolve": "Say whether what was sent and never answered was charged.",
    "models": "Compare what the models can do and cost.",
    "doctor": "Check the set-up with the free probe.",
    "schema": "Print a JSON Schema of what seedpipe reads or writes.",
    "emulator": "Run the service locally, for tests; nothing is billed.",
    "completion": "Print the completion script of a shell.",
}

# Under which heading of the help the verbs from this one on stand.
HEADINGS: Final = {
    "init": "Start",
    "check": "Build",
    "status": "Look",
    "takes": "Choose",
    "diff": "Share",
    "spend": "Money",
    "models": "Around it",
}


class Verbs(VerbGroup):
    """A group that imports a verb's module only when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"seedpipe.commands.{cmd_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"`seedpipe.commands.{cmd_name}.command` is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """`help VERB` is `VERB --help`."""
        if args == ["help"]:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().resolve_command(ctx, [*args[1:], "--help"] if args[:1] == ["help"] else args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """The verbs without importing one of them, then the options."""
        item = importlib.import_module("click.shell_completion").CompletionItem
        verbs = [item(verb, help=words) for verb, words in VERBS.items() if verb.startswith(incomplete)]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        groups: dict[str, list[tuple[str, str]]] = {}
        heading = ""
        for verb, words in VERBS.items():
            heading = HEADINGS.get(verb, heading)
            groups.setdefault(heading, []).append((verb.ljust(max(map(len, VERBS))), words))
        for heading, verbs in groups.items():
            with formatter.section(heading):
                formatter.write_dl(verbs)


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="seedpipe", message="%(prog)s %(version)s")
@option(
    "-C",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Work in this folder.",
    envvar="SEEDPIPE_DIR",
)
@option(
    "-f",
    "--file",
    "file",
    type=click.Path(),
    metavar="FILE",
    help="The manifest. [default: seedpipe.yaml, searched upwards]",
)
@option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours.")
@option("-q", "--quiet", is_flag=True, help="Say only results and what went wrong.")
@option("-v", "--verbose", count=True, help="Say more.")
@click.pass_context
def seedpipe(ctx: click.Context, folder: Path | None, file: str | None, color: str, quiet: bool, verbose: int) -> None:
    """A build system for AI-generated images.

    A manifest in git says which pictures exist, which prompt makes each and which picture is a reference of which.
    `plan` says what a build would cost, `build` makes it, `seedpipe.lock` keeps the chosen pictures.

    \b
    Example:
      seedpipe init lamps && cd lamps
      seedpipe plan
      seedpipe build --proof     # stand-ins: no key, nothing billed
    """
    stdout, stderr = ctx.obj or (sys.stdout, sys.stderr)
    console = Console(stdout, stderr, color=color, quiet=quiet, verbose=verbose)
    ctx.obj = Invocation(console=console, folder=folder or Path(), file=file)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code. Never raises for a user's mistake."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    invocation: Invocation | None = None
    completing = os.environ.get(COMPLETION_VARIABLE)
    if completing:
        answered: int = importlib.import_module("seedpipe.commands.shells").answer(seedpipe, completing)
        return answered
    try:
        memo = _memo(arguments)
        answer = memo.recall() if memo else None
        if answer is not None:
            return _say_again(answer)
        said: list[tuple[str, str]] = []
        streams = Heard(sys.stdout, "out", said), Heard(sys.stderr, "err", said)
        with seedpipe.make_context("seedpipe", list(arguments), obj=streams) as ctx:
            try:
                returned = seedpipe.invoke(ctx)
            finally:
                invocation = ctx.obj if isinstance(ctx.obj, Invocation) else None
        code = int(returned) if isinstance(returned, int) else ExitCode.DONE
        if memo and invocation and invocation.rests_on is not None:
            memo.remember(Answer(said=said, code=code), invocation.rests_on)
        return code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        console = invocation.console if invocation else Console(sys.stdout, sys.stderr)
        console.err(error.format_message().rstrip())
        return ExitCode.USAGE
    except click.ClickException as error:
        console = invocation.console if invocation else Console(sys.stdout, sys.stderr)
        mistake = importlib.import_module("seedpipe.commands.mistakes").mistake(error)
        console.err(render_error(mistake, lambda _file: None, console.err_style, width=console.err_width))
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("\ninterrupted\n")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except SeedpipeError as error:
        console = invocation.console if invocation else Console(sys.stdout, sys.stderr)
        text_of = invocation.text_of if invocation else lambda _file: None
        if invocation and error.hint:
            error.hint = with_flags(error.hint, invocation.flags)
        console.err(render_error(error, text_of, console.err_style, width=console.err_width))
        return error.exit_code
    except OSError as error:
        if error.errno not in _NOT_OURS:
            return _our_bug(error, arguments)
        console = invocation.console if invocation else Console(sys.stdout, sys.stderr)
        console.err(render_error(_disk_trouble(error), lambda _file: None, console.err_style, width=console.err_width))
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the one place that may see anything
        return _our_bug(error, arguments)


def _disk_trouble(error: OSError) -> StateError:
    """A full, read-only or failing disk, or files that aren't ours to write: no bug, whichever call met it."""
    what = f"`{error.filename}` can't be used" if error.filename else "a file can't be written"
    return StateError(f"{what}: {why(error)}", hint=DISK_HINT)


def _memo(arguments: Sequence[str]) -> Memo | None:
    try:
        return Memo(arguments, os.environ, (sys.stdout, sys.stderr))
    except OSError:  # no current folder: the verb will say so
        return None


def _say_again(answer: Answer) -> int:
    console = Console(sys.stdout, sys.stderr)
    for stream, text in answer.said:
        (console.out if stream == "out" else console.err)(text)
    return answer.code


def _our_bug(error: Exception, arguments: Sequence[str]) -> int:
    """One sentence for the person, a log file for us. Of the command line only the verb is written down."""
    text = "".join(traceback.format_exception(error))
    try:
        folder = importlib.import_module("seedpipe.state.home").home_folder(os.environ) / "crashes"
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
        verb = next((word for word in arguments if word in VERBS), "none")
        log.write_text(
            f"seedpipe {__version__}, Python {sys.version}, {sys.platform}\nverb: {verb}\n\n{text}", encoding="utf-8"
        )
        hint = f"what was paid for is kept, so run it again; if it happens again, report it with `{log}`"
    except (OSError, SeedpipeError):
        sys.stderr.write(text)
        hint = "what was paid for is kept, so run it again; if it happens again, report it with the lines above"
    console = Console(sys.stdout, sys.stderr)
    bug = SeedpipeError(f"this is our bug, not yours: {type(error).__name__}: {error}", hint=hint)
    console.err(render_error(bug, lambda _file: None, console.err_style, width=console.err_width))
    return ExitCode.FAILED
