"""How shells ask what may come next. Bash asks by the whole line; zsh and fish as click has it."""

import contextlib
import os
from typing import Final

import click
from click.shell_completion import (
    BashComplete,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    shell_complete,
    split_arg_string,
)

from seedpipe.commands.invocation import COMPLETION_VARIABLE

# Bash breaks words at `:` and `=`, which addresses and axes hold, so the whole line is asked about.
_BASH: Final = """\
%(complete_func)s() {
    local type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        case "$type" in
            plain) COMPREPLY+=("$value") ;;
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1")
    # a name that others begin with, or whose value is still to come, gets no blank
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/=] ]] && compopt -o nospace
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class BashLine(BashComplete):
    """Completion in bash by the whole line."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("COMP_LINE", "")
        words = split_arg_string(line)[1:]
        if not words or line.endswith((" ", "\t")):
            return words, ""
        return words[:-1], words[-1]

    def complete(self) -> str:
        """Only what stands behind the last break of the word, which is all that bash replaces."""
        _, begun = self.get_completion_args()
        breaks = os.environ.get("COMP_WORDBREAKS", ":=")
        kept = 1 + max((begun.rfind(char) for char in ":=" if char in breaks), default=-1)
        args, incomplete = self.get_completion_args()
        items = self.get_completions(args, incomplete)
        return "\n".join(f"{item.type},{item.value[kept:] if item.type == 'plain' else item.value}" for item in items)


def answer(command: click.Command, instruction: str) -> int:
    """What the scripts of `seedpipe completion` ask; nothing that goes wrong is said in the middle of a line."""
    add_completion_class(BashLine)
    with contextlib.suppress(Exception):
        return int(shell_complete(command, {}, "seedpipe", COMPLETION_VARIABLE, instruction))
    return 1


def script_class(shell: str) -> type[ShellComplete]:
    """By which the script of a shell is written. Raises `KeyError` for another shell."""
    return {"bash": BashLine, "zsh": ZshComplete, "fish": FishComplete}[shell]
