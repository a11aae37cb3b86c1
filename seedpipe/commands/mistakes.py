"""What is wrong with a command line, in the words of all our errors, with what was probably meant."""

import difflib
import re
from typing import Final

import click
from click.core import ParameterSource

from seedpipe.errors import UsageError

_QUOTED: Final = re.compile(r"'([^']+)'")  # as click names things
_NO_NUMBER: Final = re.compile(r"is not a valid (integer|float)( range)?$")
_OTHERWISE: Final = {"Missing command": "no verb is given"}
_NO_FLAG: Final = re.compile(r"is not a valid boolean\..*$")
_WHOLE: Final = {"integer": "is no whole number", "float": "is no number"}


def mistake(error: click.ClickException) -> UsageError:
    """The error that a person reads. Its hint is a command that can be typed."""
    ctx = getattr(error, "ctx", None)
    hint = (
        f"`{ctx.command_path} --help` shows what there is" if ctx is not None else "`seedpipe --help` shows the verbs"
    )
    if isinstance(error, click.NoSuchOption):
        return _no_option(error.option_name, ctx, hint)
    words = _QUOTED.sub(r"`\1`", " ".join(error.format_message().split()).rstrip("."))
    if ctx is not None and isinstance(error, click.BadParameter) and _from_environment(error, ctx):
        words = words.replace(_hinted(error, ctx), f"`{error.param.envvar}`" if error.param else "", 1)
    words = _NO_FLAG.sub("is neither `true` nor `false`", words)
    words = _OTHERWISE.get(words, words).replace("requires an argument", "needs a value")
    words = _NO_NUMBER.sub(lambda found: _WHOLE[found[1]], words)
    return UsageError(words[:1].lower() + words[1:], hint=hint)


def _from_environment(error: click.BadParameter, ctx: click.Context) -> bool:
    if error.param is None or error.param.name is None:
        return False
    return ctx.get_parameter_source(error.param.name) is ParameterSource.ENVIRONMENT


def _hinted(error: click.BadParameter, ctx: click.Context) -> str:
    """How the message names the option: `` `-j` / `--jobs` ``."""
    assert error.param is not None
    return _QUOTED.sub(r"`\1`", error.param.get_error_hint(ctx) or "")


def no_verb(name: str, ctx: click.Context, known: list[str]) -> UsageError:
    """There is no verb `name` below that of `ctx`."""
    close = difflib.get_close_matches(name, known, n=1)
    path = ctx.command_path.split()[1:]
    meant = f"; did you mean `{' '.join([*path, close[0]])}`?" if close else ""
    return UsageError(
        f"there is no verb `{' '.join([*path, name])}`{meant}",
        hint=f"`{ctx.command_path} --help` shows what there is",
    )


def _no_option(name: str, ctx: click.Context | None, hint: str) -> UsageError:
    own = _options(ctx)
    above = {} if ctx is None or ctx.parent is None else _options(ctx.find_root())
    if ctx is not None and name in above and name not in own:
        verb = ctx.command_path.removeprefix("seedpipe ")
        return UsageError(f"`{name}` goes before the verb", hint=f"like `seedpipe {name}{above[name]} {verb}`")
    close = difflib.get_close_matches(name, sorted({*own, *above}), n=1)
    meant = f"; did you mean `{close[0]}`?" if close else ""
    where = f" of `{ctx.command_path}`" if ctx is not None else ""
    return UsageError(f"there is no option `{name}`{where}{meant}", hint=hint)


def _options(ctx: click.Context | None) -> dict[str, str]:
    """Every spelling, with what a person writes behind it: a blank and `…`, or nothing behind a flag."""
    options = [] if ctx is None else [one for one in ctx.command.get_params(ctx) if isinstance(one, click.Option)]
    return {
        name: "" if one.is_flag or one.count else " …" for one in options for name in (*one.opts, *one.secondary_opts)
    }
