"""What `plan` and `build` are asked for: which pictures, and what may be done to have them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from seedpipe.commands.invocation import Function, gathered, option, pictures
from seedpipe.errors import UsageError
from seedpipe.plan.select import Selection, Wish, select
from seedpipe.project.project import Project

_FLAGS: Final = ("--no-cascade", "--through-gates", "--retry-unknown", "--retry-blocked")
DOING: Final = (
    "Keep pictures that are only made from changed ones.",
    "Also what waits until somebody approves what it is made from.",
    "Send again what may have been charged: it may pay twice.",
    "Send again what moderation refused.",
)
SUPPOSING: Final = (
    DOING[0],
    "As if everything that waits for approval had it.",
    "As if what may have been charged were sent again.",
    "As if what moderation refused were sent again.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WishFlags:
    """The targets, and the flags of `wish_options`."""

    targets: tuple[str, ...]
    exclude: tuple[str, ...]
    no_cascade: bool
    through_gates: bool
    retry_unknown: bool
    retry_blocked: bool

    @property
    def given(self) -> Mapping[str, bool]:
        """By their names on the command line."""
        return dict(
            zip(_FLAGS, (self.no_cascade, self.through_gates, self.retry_unknown, self.retry_blocked), strict=True)
        )

    def wish(self, project: Project) -> Wish:
        """Raises `UsageError` for a target that names nothing."""
        return Wish(
            selection=self._selection(project),
            targets=self.targets,
            retry_unknown=self.retry_unknown,
            retry_blocked=self.retry_blocked,
            cascade=not self.no_cascade,
            through_gates=self.through_gates,
        )

    def _selection(self, project: Project) -> Selection:
        try:
            return select(project.graph, self.targets, exclude=self.exclude)
        except UsageError as error:
            file = next((target for target in self.targets if Path(target).exists()), None)
            if file is not None and len(self.targets) > 1:
                error.hint = (
                    f"`{file}` is a file here: a pattern stands in quotes, or the shell puts files in its place"
                )
            raise


def wish_options(helps: tuple[str, ...]) -> Callable[[Function], Function]:
    """`[TARGET]...`, `--exclude` and four flags with their helps; the command gets them as `wishes`."""

    def decorate(function: Function) -> Function:
        decorated: Any = gathered("wishes", WishFlags)(function)
        for flag, words in zip(reversed(_FLAGS), reversed(helps), strict=True):
            decorated = option(flag, is_flag=True, help=words)(decorated)
        decorated = option(
            "--exclude", multiple=True, metavar="TARGET", shell_complete=pictures, help="Leave these out."
        )(decorated)
        return click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=pictures)(decorated)  # type: ignore[no-any-return]

    return decorate
